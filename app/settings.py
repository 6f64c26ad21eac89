"""The settings of one installation, read once from the environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One frozen set of settings; each comes from an environment variable with the prefix `ACCORD_`."""

    model_config = SettingsConfigDict(env_prefix="ACCORD_", frozen=True, extra="ignore")

    database_url: str = Field(
        "sqlite:///accord.db", description="Where the registry is kept: sqlite:///FILE or postgresql+psycopg://…"
    )
    master_key: SecretStr | None = Field(
        None, description="32 bytes in base64 that seal what people write; needed on PostgreSQL"
    )
    master_key_file: Path | None = Field(
        None, description="A file that holds the master key; on SQLite made on first start beside the database"
    )
    pool_size: int = Field(6, ge=2, le=64, description="Database connections, and worker threads, of one process")
    body_limit: int = Field(1_048_576, ge=1024, description="The largest JSON body that is read, in bytes")
    migrate_on_start: bool = Field(False, description="Whether `accord serve` brings the database up to date first")
    host: str = Field("127.0.0.1", description="The address on which `accord serve` listens")
    port: int = Field(8000, ge=0, le=65535, description="The port on which `accord serve` listens")

    @property
    def is_sqlite(self) -> bool:
        """Whether the registry is kept in a SQLite file."""
        return self.database_url.startswith("sqlite")
