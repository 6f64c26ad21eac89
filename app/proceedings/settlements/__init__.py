"""Drafts of the settlement, the frozen text and its signatures."""
