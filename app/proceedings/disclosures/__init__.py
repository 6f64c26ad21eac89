"""Disclosures: the parties that earlier items protect open them to later participants."""
