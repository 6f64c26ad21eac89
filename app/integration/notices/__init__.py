"""Notices by mail: they announce news, invitations and deadlines, and never their content."""
