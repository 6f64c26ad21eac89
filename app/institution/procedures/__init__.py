"""Rules of procedure as the API serves them: rule sets, diagrams and simulations."""
