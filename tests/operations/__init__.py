"""Tests of running an installation."""
