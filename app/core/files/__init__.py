"""Files as bytes: names, kinds, archives, sealing, storage, uploads and downloads."""
