"""Several hosts of one registry, as processes: PgBouncer in front of PostgreSQL, and nginx in front of the services."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from tests.postgresql_server import owner_of_server, server_url, temporary_folder
from tests.processes import free_port

SECONDS_TO_START = 10


def program(name: str, package: str) -> str:
    """The path of a program; without it the test fails with the name of Debian's package."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is not there: this test needs it (Debian: {package})"
    return found


@contextmanager
def own_role() -> Iterator[URL]:
    """The address of an empty database that belongs to an ordinary role, as an institution makes them."""
    server, name, password = server_url(), f"accord_hosts_{secrets.token_hex(6)}", secrets.token_hex(12)
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'"))
            connection.execute(text(f"CREATE DATABASE {name} OWNER {name}"))
        try:
            yield server.set(username=name, password=password, database=name)
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
                connection.execute(text(f"DROP ROLE {name}"))
    finally:
        engine.dispose()


def until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Wait until a program listens; fails with its log if it ends."""
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
    raise AssertionError(log.read_text())


@dataclass
class Pooler:
    """A PgBouncer in transaction mode in front of one database."""

    url: URL
    process: "subprocess.Popen[bytes]"

    def ask(self, command: str) -> list[dict[str, Any]]:
        """The answer of its console to a command."""
        words: dict[str, Any] = self.url.set(database="pgbouncer").translate_connect_args(
            username="user", database="dbname"
        )
        with psycopg.connect(**words, autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
            cursor = console.execute(command.encode())
            if cursor.description is None:
                return []
            return [dict(zip([each.name for each in cursor.description], row, strict=True)) for row in cursor]

    def stop(self) -> None:
        """End it with all its connections."""
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def pooler(database: URL, connections: int = 5) -> Iterator[Pooler]:
    """A PgBouncer that runs each transaction on any of so many connections to PostgreSQL."""
    binary, owner, port = program("pgbouncer", "pgbouncer"), owner_of_server(), free_port()
    folder = temporary_folder(owner)
    log = folder / "log"
    (folder / "users").write_text(f'"{database.username}" "{database.password}"\n')
    (folder / "ini").write_text(
        dedent(f"""\
            [databases]
            {database.database} = host={database.host} port={database.port or 5432}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {folder}/users
            admin_users = {database.username}
            pool_mode = transaction
            default_pool_size = {connections}
            max_client_conn = 200
        """)
    )
    for file in ("users", "ini"):
        if owner is not None:
            os.chown(folder / file, owner.pw_uid, owner.pw_gid)
    # PgBouncer does not run as root.
    words = [binary, *(["-u", owner.pw_name] if owner is not None else []), str(folder / "ini")]
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(words, stdout=output, stderr=output)
        try:
            until_it_listens(process, port, log)
            yield Pooler(database.set(host="127.0.0.1", port=port), process)
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder)


@contextmanager
def proxy(folder: Path, *ports: int) -> Iterator[str]:
    """The address of an nginx that hands requests to services in turn, as docs/operate.md sets it up."""
    binary, port, log = program("nginx", "nginx"), free_port(), folder / "nginx.log"
    servers = "\n".join(f"server 127.0.0.1:{each};" for each in ports)
    places = "\n".join(
        f"{kind}_temp_path {folder}/nginx-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        dedent(f"""\
            daemon off;
            pid {folder}/nginx.pid;
            worker_processes 1;
            {"user root;" if os.geteuid() == 0 else ""}
            events {{}}
            http {{
                access_log off;
                {places}
                upstream accord {{ {servers} }}
                server {{
                    listen 127.0.0.1:{port};
                    client_max_body_size 2g;
                    proxy_request_buffering off;
                    proxy_buffering off;
                    proxy_read_timeout 60s;
                    location / {{
                        proxy_pass http://accord;
                        proxy_http_version 1.1;
                        proxy_set_header Host $host;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_set_header X-Forwarded-Proto $scheme;
                    }}
                }}
            }}
        """)
    )
    words = [binary, "-p", str(folder), "-e", str(log), "-c", str(folder / "nginx.conf")]
    with (folder / "nginx.out").open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output)
    try:
        until_it_listens(process, port, folder / "nginx.out")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
