"""Courts, the cases they refer, and what they learn about them."""
