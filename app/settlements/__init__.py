"""The text that settles a dispute, and the signatures under it."""
