"""Events sent to the receivers of other systems: subscriptions, deliveries and their schedule."""
