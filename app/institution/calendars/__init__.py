"""Calendars of countries and of the institution, and closures."""
