"""Tests of files as bytes: kinds, names, sealing and storage."""
