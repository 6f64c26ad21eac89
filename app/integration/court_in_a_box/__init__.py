"""A simulated court: refers cases, receives events, misbehaves on command, and compares notes at the end."""
