"""What the documents say, compared with what the service does."""
