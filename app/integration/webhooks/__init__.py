"""Webhooks: subscriptions to events, their deliveries and the schedule of attempts."""
