"""Tests of how every request behaves."""
