"""Commands of `accord` that work on an installation, by subject."""
