"""Calendars of countries and of the institution, and the closures that it enters."""
