"""Parties, those who act for them, consents, and third States."""
