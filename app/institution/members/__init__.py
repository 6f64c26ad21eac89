"""Members of the institution's convention, with their declarations."""
