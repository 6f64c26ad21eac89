"""Tests of the ledger and the feed."""
