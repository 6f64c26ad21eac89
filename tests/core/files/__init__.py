"""Tests of files as bytes."""
