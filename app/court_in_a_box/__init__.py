"""A simulated court: it refers cases, hears of them, misbehaves as told, and at the end compares notes with Accord."""
