"""How every request behaves."""
