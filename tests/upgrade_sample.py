"""A backup of the demo, as the tables of this release hold it: later releases test their migrations with it."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.util import CommandError

from app.demo.play import play
from app.operations.backup import back_up
from app.operations.migrating import configuration, exclusive_connection, head, migrate
from app.settings import Settings
from tests.installation import MASTER_KEY

SAMPLES = Path(__file__).parent / "upgrades"


def keep_sample(folder: Path) -> Path:
    """Play the demo on an empty SQLite database and write its backup into a folder, named by the newest migration.

    Raises CommandError if a table has changed since that migration, and Misconfigured if there is a backup already.
    """
    sample = folder / f"{head()}.zip"
    now = datetime.now(UTC)
    with TemporaryDirectory() as scratch:
        settings = Settings(
            database_url=f"sqlite:///{scratch}/registry.db", storage=f"{scratch}/documents", master_key=MASTER_KEY
        )
        migrate(settings)
        with exclusive_connection(settings) as connection:
            command.check(configuration(connection))
        asyncio.run(play(settings, now, lambda _line: None))
        back_up(settings, sample, now)
    # Git keeps it readable by everybody, and nothing in it is secret.
    sample.chmod(0o644)
    return sample


if __name__ == "__main__":
    try:
        keep_sample(SAMPLES)
    except CommandError as problem:
        sys.exit(f"{problem}\nThe sample belongs to the tables before the change: git stash --include-untracked first.")
