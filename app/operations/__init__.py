"""Operation of an installation: server, background work, backup, health checks, migrations, keys and audits."""
