"""A simulated court that refers cases, listens, misbehaves on command and reconciles at the end."""
