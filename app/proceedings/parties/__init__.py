"""Parties, their representatives, consents and third States."""
