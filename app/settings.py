"""The settings of an installation, read once from the environment."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "ACCORD_"


class Settings(BaseSettings):
    """The settings, frozen; each is an environment variable with the prefix `ACCORD_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    database_url: str = Field(
        "sqlite:///accord.db", description="The database: sqlite:///FILE or postgresql+psycopg://…"
    )
    pooler_url: str | None = Field(
        None,
        description="The address of a PgBouncer in transaction mode, postgresql+psycopg://…, through which the service "
        "and the worker reach the database",
    )
    master_key: SecretStr | None = Field(
        None, description="32 bytes in base64 that encrypt what people write; required on PostgreSQL"
    )
    master_key_file: Path | None = Field(
        None, description="A file with the master key; on SQLite created next to the database on first start"
    )
    rules_folder: Path | None = Field(
        None, description="A folder of the institution's own rule sets (*.toml) and subjects (subjects.toml)"
    )
    storage: str | None = Field(
        None,
        description="The store of documents: a folder or `s3://BUCKET/PREFIX`; by default a folder next to the "
        "SQLite file, or `documents`",
    )
    storage_endpoint: str | None = Field(None, description="The address of an S3-compatible store, if it is not AWS")
    storage_region: str | None = Field(None, description="The region of the bucket")
    storage_key_id: str | None = Field(None, description="The access key of the bucket")
    storage_secret: SecretStr | None = Field(None, description="The secret of that access key")
    document_limit: int = Field(2_147_483_648, ge=1024, description="The largest document that is accepted, in bytes")
    documents_per_filing: int = Field(
        100, ge=1, le=10_000, description="The most documents of one filing, or of one draft of a settlement"
    )
    clamd: str | None = Field(
        None,
        pattern=r"^(tcp://.+:\d+|unix://.+)$",
        description="The clamd that scans documents, `tcp://HOST:PORT` or `unix:///PATH`; they wait until it has",
    )
    pool_size: int = Field(6, ge=2, le=64, description="Database connections, and worker threads, per process")
    body_limit: int = Field(1_048_576, ge=1024, description="The largest JSON body that is accepted, in bytes")
    migrate_on_start: bool = Field(False, description="Whether `accord serve` migrates the database first")
    workers: int = Field(1, ge=1, le=64, description="Processes of `accord serve`; more than one needs PostgreSQL")
    run_worker: bool = Field(True, description="Whether `accord serve` also runs the background worker")
    worker_interval: int = Field(15, ge=1, le=3600, description="Seconds between two rounds of the background worker")
    reminder_days: int = Field(
        7, ge=0, le=365, description="Days before a deadline at which a reminder is sent; 0 for none"
    )
    request_timeout: int = Field(15, ge=1, le=3600, description="Seconds within which a request must arrive in full")
    http_server: Literal["httptools", "h11"] = Field(
        "httptools",
        description="`httptools` on uvloop; or `h11` on asyncio, slower, where the others are not available",
    )
    connections: int = Field(1000, ge=10, le=100_000, description="The most open connections per process")
    anonymous_per_minute: int = Field(
        60, ge=0, description="Requests per minute without a valid token from one address, per process; 0 for no limit"
    )
    writes_per_minute: int = Field(
        300, ge=0, description="Writes per minute of one person, per process; 0 for no limit"
    )
    refused_reads_per_minute: int = Field(
        300, ge=0, description="Refused reads per minute of one person, per process; 0 for no limit"
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="`json` or `text`; `auto` is text on a terminal"
    )
    metrics_token: SecretStr | None = Field(
        None, description="The bearer token for `/metrics`; without one the path is not found"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="A separate port for the metrics, on 127.0.0.1; 0 for none"
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s?#]+(/[^\s?#]*[^/\s?#])?$",
        description="The address at which clients reach the service, `https://registry.example.org`; "
        "by default the address of each request",
    )
    webhook_allowed: str | None = Field(
        None,
        description="Receivers of webhooks outside the public internet: hosts, addresses and networks, "
        "separated by commas; for these, http and every port are allowed too",
    )
    smtp_host: str | None = Field(
        None, description="The mail server that sends people notices of news; without one no mail is sent"
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="The port of the mail server")
    smtp_user: str | None = Field(None, description="The user name at the mail server")
    smtp_password: SecretStr | None = Field(None, description="The password at the mail server")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls`, `tls` from the first byte, or `none`"
    )
    mail_from: str | None = Field(
        None, description="The sender of mails, `Registry <no-reply@example.org>`; required with a mail server"
    )
    host: str = Field("127.0.0.1", description="The address on which `accord serve` listens")
    port: int = Field(8000, ge=0, le=65535, description="The port on which `accord serve` listens")

    @field_validator("database_url")
    @classmethod
    def _is_an_address(cls, text: str) -> str:
        try:
            url = make_url(text)
        except ArgumentError:
            url = None
        # In memory each connection would have its own registry.
        in_file = url is not None and url.drivername == "sqlite" and url.database not in (None, "", ":memory:")
        if url is None or not (in_file or url.drivername == "postgresql+psycopg"):
            raise ValueError("must be sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE")
        return text

    @field_validator("pooler_url")
    @classmethod
    def _is_a_pooler(cls, text: str | None, others: ValidationInfo) -> str | None:
        if text is None:
            return None
        try:
            driver = make_url(text).drivername
        except ArgumentError:
            driver = None
        if driver != "postgresql+psycopg":
            raise ValueError("must be postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE")
        if str(others.data.get("database_url")).startswith("sqlite"):
            raise ValueError("needs ACCORD_DATABASE_URL, the address of PostgreSQL itself")
        return text

    @property
    def service_url(self) -> str:
        """The address at which the service and the worker reach the database: that of the pooler, if there is one."""
        return self.pooler_url or self.database_url

    def direct(self) -> "Settings":
        """The same settings without a pooler, for commands of the operator."""
        return self.model_copy(update={"pooler_url": None})

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file."""
        return self.database_url.startswith("sqlite")


def unknown_settings() -> list[str]:
    """Environment variables with the prefix that are no setting, each with the setting of the closest name."""
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in settings)
    close = {name: get_close_matches(name.upper(), settings, 1) for name in unknown}
    return [f"{name} (did you mean {close[name][0]}?)" if close[name] else name for name in unknown]


def faults_in_settings(problem: ValidationError) -> str:
    """The faults, each with the name of its variable and without its value, which may be a secret."""
    faults = [
        (error["loc"], error["msg"].removeprefix("Value error, ")) for error in problem.errors(include_input=False)
    ]
    return "; ".join(f"{PREFIX}{'.'.join(map(str, name)).upper()}: {message}" for name, message in faults)
