"""The institution's own signature under what leaves it: keys, signing, and checking without a network."""
