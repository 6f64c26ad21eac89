"""The authentic texts of a settlement, and the single hash that covers them."""
