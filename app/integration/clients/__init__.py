"""API clients: their secrets, their short-lived access tokens and their scopes."""
