"""Every table, one file for each noun."""
