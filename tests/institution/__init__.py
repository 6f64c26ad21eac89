"""Tests of what an institution has before its first case."""
