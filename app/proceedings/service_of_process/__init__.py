"""Service of the request on each responding party, with attempts and proof."""
