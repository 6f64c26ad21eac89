"""The authentic texts of a settlement and the one hash that covers them."""
