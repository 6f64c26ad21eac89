"""Accord: the registry of a mediation institution."""
