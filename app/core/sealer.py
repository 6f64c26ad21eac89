"""The master key: it wraps the data keys of cases, and opens them."""

from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from app.core.errors import Destroyed, Misconfigured

# What stands in the place of a data key that was destroyed.
NO_KEY = b""


class Sealer:
    """The master key, and the data keys that it has opened so far."""

    def __init__(self, master_key: bytes) -> None:
        self._master_key = master_key
        self._open: dict[UUID | bytes, AESGCM] = {}

    def wrap(self, key: bytes) -> bytes:
        """A data key as it may be kept."""
        return aes_key_wrap(self._master_key, key)

    def remember(self, name: UUID | bytes, key: bytes) -> AESGCM:
        """Keep a data key open for later, within bounds, by its case or by its kept form."""
        if len(self._open) >= 4096:
            self._open.clear()
        return self._open.setdefault(name, AESGCM(key))

    def opened(self, wrapped: bytes) -> AESGCM:
        """The cipher whose key is kept in that form: known by it, so that a key that was destroyed opens nothing more.

        Destroyed if there is none any more, Misconfigured if another master key wrapped it.
        """
        return self._open.get(wrapped) or self.remember(wrapped, self.unwrap(wrapped))

    def open_cipher(self, name: UUID | bytes) -> AESGCM | None:
        """The cipher of a data key that is kept open, by its case or by its kept form."""
        return self._open.get(name)

    def unwrap(self, wrapped: bytes) -> bytes:
        """A data key from its kept form; Destroyed if it was, Misconfigured if another master key wrapped it."""
        if wrapped == NO_KEY:
            raise Destroyed("What people wrote in this case was destroyed. Its events can still be verified.")
        try:
            return aes_key_unwrap(self._master_key, wrapped)
        except InvalidUnwrap as problem:
            raise Misconfigured("The master key does not open this registry's contents.") from problem
