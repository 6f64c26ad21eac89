"""What runs beside the requests: the worker, the webhook sender and the mail sender."""
