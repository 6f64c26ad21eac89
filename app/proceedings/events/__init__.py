"""The events of a case, as its reader may see them."""
