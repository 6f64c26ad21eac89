"""Tests of the interfaces to other systems."""
