"""Tests of what other systems see."""
