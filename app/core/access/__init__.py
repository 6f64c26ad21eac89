"""Who asks, and what they may see: the gate, the policy and the scopes of API clients."""
