"""The case itself: its request, its lock and circle, how it is read, and the facts on which the rules decide."""
