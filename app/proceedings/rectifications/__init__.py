"""Corrections of clerical errors, by a recorded act."""
