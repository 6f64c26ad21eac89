"""Members of the institution and the subjects that their declarations exclude."""
