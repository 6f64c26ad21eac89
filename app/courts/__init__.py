"""Courts that refer cases, and their referrals."""
