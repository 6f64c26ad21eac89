"""The settings of one installation, read once from the environment."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "ACCORD_"


class Settings(BaseSettings):
    """One frozen set of settings; each comes from an environment variable with the prefix `ACCORD_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    database_url: str = Field(
        "sqlite:///accord.db", description="Where the registry is kept: sqlite:///FILE or postgresql+psycopg://…"
    )
    master_key: SecretStr | None = Field(
        None, description="32 bytes in base64 that seal what people write; needed on PostgreSQL"
    )
    master_key_file: Path | None = Field(
        None, description="A file that holds the master key; on SQLite made on first start beside the database"
    )
    rules_folder: Path | None = Field(
        None, description="A folder of the institution's own rule sets (*.toml) and subjects (subjects.toml)"
    )
    storage: str | None = Field(
        None,
        description="Where documents lie: a folder or `s3://BUCKET/PREFIX`; without one, a folder beside the SQLite "
        "file, or `documents`",
    )
    storage_endpoint: str | None = Field(None, description="The address of a store that speaks S3, if it is not AWS")
    storage_region: str | None = Field(None, description="The region of the bucket")
    storage_key_id: str | None = Field(None, description="The access key of the bucket")
    storage_secret: SecretStr | None = Field(None, description="The secret of that access key")
    document_limit: int = Field(2_147_483_648, ge=1024, description="The largest document that is taken, in bytes")
    documents_per_filing: int = Field(
        100, ge=1, le=10_000, description="The documents of one filing, or of one draft of a settlement, at most"
    )
    clamd: str | None = Field(
        None,
        pattern=r"^(tcp://.+:\d+|unix://.+)$",
        description="A clamd that scans documents, `tcp://HOST:PORT` or `unix:///PATH`; until then they wait",
    )
    pool_size: int = Field(6, ge=2, le=64, description="Database connections, and worker threads, of one process")
    body_limit: int = Field(1_048_576, ge=1024, description="The largest JSON body that is read, in bytes")
    migrate_on_start: bool = Field(False, description="Whether `accord serve` brings the database up to date first")
    workers: int = Field(1, ge=1, le=64, description="Processes of `accord serve`; more than one needs PostgreSQL")
    run_worker: bool = Field(True, description="Whether `accord serve` runs the background worker too")
    worker_interval: int = Field(15, ge=1, le=3600, description="Seconds between two rounds of the background worker")
    reminder_days: int = Field(
        7, ge=0, le=365, description="Days before a deadline at which it is recalled; 0 for none"
    )
    request_timeout: int = Field(30, ge=1, le=3600, description="Seconds within which a request must have arrived")
    connections: int = Field(1000, ge=10, le=100_000, description="Open connections of one process at most")
    anonymous_per_minute: int = Field(
        60, ge=0, description="Requests without a valid token from one address, in one process; 0 for no limit"
    )
    writes_per_minute: int = Field(300, ge=0, description="Writes of one person, in one process; 0 for no limit")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="`json` or `text`; `auto` is text on a terminal"
    )
    metrics_token: SecretStr | None = Field(None, description="The bearer token for `/metrics`; without one it is 404")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="A port of its own for the metrics, on 127.0.0.1; 0 for none"
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s?#]+(/[^\s?#]*[^/\s?#])?$",
        description="The address under which clients reach the service, `https://registry.example.org`; "
        "without one, that of each request",
    )
    webhook_allowed: str | None = Field(
        None,
        description="Receivers of webhooks beside those on the public internet: hosts, addresses and networks, "
        "with commas between them; to these, http and every port are allowed too",
    )
    smtp_host: str | None = Field(
        None, description="The mail server through which people are told that there is something new; none: no mail"
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="The port of the mail server")
    smtp_user: str | None = Field(None, description="The name under which to sign in at the mail server")
    smtp_password: SecretStr | None = Field(None, description="The password of that name")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls`, `tls` from the first byte, or `none`"
    )
    mail_from: str | None = Field(
        None, description="Who writes the mails, `Registry <no-reply@example.org>`; needed with a mail server"
    )
    host: str = Field("127.0.0.1", description="The address on which `accord serve` listens")
    port: int = Field(8000, ge=0, le=65535, description="The port on which `accord serve` listens")

    @field_validator("database_url")
    @classmethod
    def _is_an_address(cls, given: str) -> str:
        try:
            url = make_url(given)
        except ArgumentError:
            url = None
        # In memory each connection would have a registry of its own.
        in_file = url is not None and url.drivername == "sqlite" and url.database not in (None, "", ":memory:")
        if url is None or not (in_file or url.drivername == "postgresql+psycopg"):
            raise ValueError("must be sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE")
        return given

    @property
    def is_sqlite(self) -> bool:
        """Whether the registry is kept in a SQLite file."""
        return self.database_url.startswith("sqlite")


def unknown_settings() -> list[str]:
    """What is set in the environment as if it were a setting and is none, each with the one that may be meant."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    found = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    close = {name: get_close_matches(name.upper(), known, 1) for name in found}
    return [f"{name} (is {close[name][0]} meant?)" if close[name] else name for name in found]


def told_of_settings(problem: ValidationError) -> str:
    """What is wrong with settings, each by its variable and without its value, which may be a secret."""
    faults = [(one["loc"], one["msg"].removeprefix("Value error, ")) for one in problem.errors(include_input=False)]
    return "; ".join(f"{PREFIX}{'.'.join(map(str, place)).upper()}: {says}" for place, says in faults)
