"""Everybody's desk: what waits for them, what is due, the next session, and what is new."""
