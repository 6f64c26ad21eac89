"""Terms running in a case, with their explanation."""
