"""Deadlines of a case: started and ended by its steps, changed by those whom its rules allow, and explained."""
