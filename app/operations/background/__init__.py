"""Background work: the worker, the webhook sender and the mail sender."""
