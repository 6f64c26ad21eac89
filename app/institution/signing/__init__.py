"""The institution's signing keys, and signed files that anybody can verify offline."""
