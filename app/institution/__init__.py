"""What an institution has before any case: rules of procedure, people, members, signing keys and calendars."""
