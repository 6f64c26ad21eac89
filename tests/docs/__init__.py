"""What the documents say, held against what the service does."""
