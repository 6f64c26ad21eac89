"""Cases: one dispute each, under one rule set."""
