"""Service: bringing the request to the knowledge of each responding party, with attempts and proof."""
