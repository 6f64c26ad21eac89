"""How the source itself is kept: imports, words in their places, locks and migrations."""
