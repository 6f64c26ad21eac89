"""The roster of mediators, and their appointments to cases."""
