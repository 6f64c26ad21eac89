"""The OpenAPI document: what it says about every operation, its examples and its webhooks."""
