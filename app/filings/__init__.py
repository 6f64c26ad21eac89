"""Formal submissions, each to one audience."""
