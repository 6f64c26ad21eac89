"""The append-only log of what was done: a chain for each audience."""
