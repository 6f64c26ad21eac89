"""Who may read and do what: the gate, the policy of audiences, capacities, scopes and authentication."""
