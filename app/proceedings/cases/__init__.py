"""The case itself: its request, its lock, how it is read, and the facts that the rules may know."""
