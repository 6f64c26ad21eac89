"""How every request behaves: the one hop to the database, and what surrounds it."""
