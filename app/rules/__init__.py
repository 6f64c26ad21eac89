"""Rules of procedure as data, and the pure engine that decides under them."""
