"""The life of a case: each noun is one package."""
