"""The steps of a case: the only way to move a case, and what follows from a step."""
