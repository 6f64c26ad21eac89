"""Tests of behaviour that all requests share."""
