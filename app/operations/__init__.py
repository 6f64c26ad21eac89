"""What keeps an installation running: backup, health checks, migrations, keys, audits and the server."""
