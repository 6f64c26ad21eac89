"""The source of the master key: a setting, a file, or on SQLite a file that is created next to the database."""

import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import make_url

from app.core.errors import Misconfigured
from app.settings import Settings

KEY_BYTES = 32


def master_key(settings: Settings, entropy: Callable[[int], bytes], say: Callable[[str], None]) -> bytes:
    """The 32 bytes that unwrap the data key of every case; raises Misconfigured if they are missing or malformed."""
    if settings.master_key is not None:
        return _decoded(settings.master_key.get_secret_value(), "ACCORD_MASTER_KEY")
    path = settings.master_key_file or _next_to_the_database(settings)
    if path is None:
        raise Misconfigured(
            "PostgreSQL needs a master key: set ACCORD_MASTER_KEY to 32 random bytes in base64 "
            "(openssl rand -base64 32), or ACCORD_MASTER_KEY_FILE to a file that holds them."
        )
    if not path.exists():
        if not settings.is_sqlite:
            raise Misconfigured(
                "The file that ACCORD_MASTER_KEY_FILE names does not exist: correct the setting, or put the key there."
            )
        make_key_file(path, entropy)
        say(f"Made a master key in {path}. Keep a copy apart from the database: without it nothing can be read.")
    return _decoded(path.read_text(), str(path))


def key_file(settings: Settings) -> Path:
    """The file of the master key, which may not exist yet; raises Misconfigured if no setting names one."""
    path = settings.master_key_file or _next_to_the_database(settings)
    if path is None:
        raise Misconfigured("Set the master key in ACCORD_MASTER_KEY or ACCORD_MASTER_KEY_FILE.")
    return path


def _next_to_the_database(settings: Settings) -> Path | None:
    database = make_url(settings.database_url).database
    if not settings.is_sqlite or not database or database == ":memory:":
        return None
    return Path(database + ".key")


def make_key_file(path: Path, entropy: Callable[[int], bytes]) -> None:
    """Write a new key to a file that only its owner may read; raises FileExistsError if the file exists."""
    # Exclusive: two processes that start together must not keep different keys.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(entropy(KEY_BYTES)).decode() + "\n")


def read_key(path: Path) -> bytes:
    """The master key in a file; raises Misconfigured if it is malformed."""
    return _decoded(path.read_text(), str(path))


def _decoded(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Misconfigured(
            f"The master key in {source} is not valid base64: set it to {KEY_BYTES} bytes in base64."
        ) from problem
    if len(key) != KEY_BYTES:
        raise Misconfigured(f"The master key in {source} must be {KEY_BYTES} bytes in base64.")
    return key
