"""Files as bytes: their names, kinds, archives, sealing and storage."""
