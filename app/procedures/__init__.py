"""The rules of procedure, served."""
