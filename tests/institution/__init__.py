"""Tests of what an institution has before any case."""
