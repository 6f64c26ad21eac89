"""Formal submissions, each to one audience, and the docket."""
