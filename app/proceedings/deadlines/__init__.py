"""Deadlines of a case, with their explanation."""
