"""The master key, which wraps and unwraps the data keys of cases."""

from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from app.core.errors import Destroyed, Misconfigured

# Stored in place of a data key that was destroyed.
NO_KEY = b""


class Sealer:
    """The master key, and the data keys that it has unwrapped so far."""

    def __init__(self, master_key: bytes) -> None:
        self._master_key = master_key
        self._open: dict[UUID | bytes, AESGCM] = {}

    def wrap(self, key: bytes) -> bytes:
        """The data key as it is stored."""
        return aes_key_wrap(self._master_key, key)

    def remember(self, name: UUID | bytes, key: bytes) -> AESGCM:
        """Keep the cipher of a data key in memory, by its case or by its wrapped form; at most 4096 are kept."""
        if len(self._open) >= 4096:
            self._open.clear()
        return self._open.setdefault(name, AESGCM(key))

    def opened(self, wrapped: bytes) -> AESGCM:
        """The cipher of a wrapped data key, kept by that form: a destroyed key has another, so it opens nothing.

        Raises Destroyed if the key was destroyed, and Misconfigured if another master key wrapped it.
        """
        return self._open.get(wrapped) or self.remember(wrapped, self.unwrap(wrapped))

    def open_cipher(self, name: UUID | bytes) -> AESGCM | None:
        """The cipher that is kept in memory for a case or a wrapped data key, if any."""
        return self._open.get(name)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key; raises Destroyed if it was destroyed, and Misconfigured if another master key wrapped it."""
        if wrapped == NO_KEY:
            raise Destroyed("What people wrote in this case was destroyed. Its events can still be verified.")
        try:
            return aes_key_unwrap(self._master_key, wrapped)
        except InvalidUnwrap as problem:
            raise Misconfigured(
                "The master key does not open this registry. Set the key that it was made with."
            ) from problem
