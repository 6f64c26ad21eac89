"""Benchmarks of the service, and comparisons."""
