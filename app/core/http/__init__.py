"""How every request behaves: the one hop to the database, limits, idempotency, problems and metrics."""
