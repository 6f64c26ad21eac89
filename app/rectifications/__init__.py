"""Slips of the registry, mended by a recorded act that names what it corrects."""
