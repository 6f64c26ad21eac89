"""Programs of courts and of the institution: their secrets, their short-lived tokens and what these allow."""
