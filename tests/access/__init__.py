"""Audiences, their readers and the gate."""
