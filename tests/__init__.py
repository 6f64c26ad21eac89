"""Tests of Accord's behaviour, on the databases that it supports."""
