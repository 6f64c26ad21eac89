"""Events sent to receivers outside: subscriptions, deliveries, the sender and the guard of its connections."""
