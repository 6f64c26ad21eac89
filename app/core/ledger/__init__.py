"""The ledger: acts, recorded as chained events; its feed, its catalogue and its verification."""
