"""Other systems: API clients, courts, webhooks, mail, and the API's description."""
