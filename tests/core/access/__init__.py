"""Tests of access: the gate, the policy and hidden items."""
