"""Tests of the source itself: imports, the places of certain words, locks and migrations."""
