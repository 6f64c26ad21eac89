"""The rules of procedure, served: rule sets, diagrams and simulations."""
