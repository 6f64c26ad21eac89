"""Mail to people: that there is something new, an invitation, a deadline that is near; never what it is about."""
