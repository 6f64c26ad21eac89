"""Every table of the database, one file for each noun."""
