"""A person's desk: what waits for them, what is due, their next sessions and news."""
