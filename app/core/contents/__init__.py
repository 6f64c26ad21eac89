"""What people write, sealed: `write` and `read_many` are the only doors."""
