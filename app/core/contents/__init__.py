"""What people write, sealed with the key of its case."""
