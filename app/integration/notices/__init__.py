"""Mail to people: that there is news, an invitation or a deadline, and never its content."""
