"""Meetings of a mediation: joint sessions and caucuses."""
