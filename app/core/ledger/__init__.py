"""The append-only log of events: a hash chain for each audience, and the feed."""
