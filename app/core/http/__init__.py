"""What all requests have in common: the hop to the database, limits, idempotency, problems and metrics."""
