"""Joint sessions and caucuses."""
