"""The institution's signing keys, and signed files that anybody can check offline."""
