"""The rules of procedure: tables of cases and properties of pure functions."""
