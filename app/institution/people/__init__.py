"""The institution, its people, their accounts and their tokens."""
