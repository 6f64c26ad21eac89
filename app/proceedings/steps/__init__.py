"""The steps of a case: the one door through which a case moves, and what follows from a step."""
