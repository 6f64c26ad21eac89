"""API clients, their secrets and access tokens; of secrets and tokens only the SHA-256 is stored."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Client(Base):
    """An API client with its scopes; without a court it belongs to the institution."""

    __tablename__ = "clients"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    court_id: Mapped[UUID | None] = mapped_column(ForeignKey("courts.id"), index=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_clients_created_at_id", "created_at", "id"),)


class ClientSecret(Base):
    """A secret with which a client gets tokens; `used_at` is the instant of the last one."""

    __tablename__ = "client_secrets"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), index=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AccessToken(Base):
    """A token that a client got with one of its secrets, for some of its scopes; it ends with that secret."""

    __tablename__ = "access_tokens"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_id: Mapped[UUID] = mapped_column(ForeignKey("client_secrets.id"), index=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
