"""Entity tags, and the conditions that requests set on them (RFC 9110, section 13)."""

import base64
import hashlib
import re

_STRONG_TAGS = re.compile(r'[ \t,]*"[^"]*"[ \t]*(?:,[ \t]*(?:"[^"]*"[ \t]*)?)*')


def tag_of_body(body: bytes) -> str:
    """The strong tag of a response body: the hash of the bytes that this reader is served."""
    return f'"{base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:18]).decode()}"'


def tag_of_file(sha256: bytes) -> str:
    """The strong tag of a file: its digest."""
    return f'"{sha256.hex()}"'


def is_strong(if_match: str) -> bool:
    """Whether `If-Match` is `*` or a list of strong tags."""
    return if_match.strip() == "*" or _STRONG_TAGS.fullmatch(if_match) is not None


def matches_strongly(if_match: str, tag: str) -> bool:
    """Whether `If-Match` allows a change of the version with the tag."""
    return if_match.strip() == "*" or tag in (item.strip() for item in if_match.split(","))


def matches_weakly(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller has the version with the tag already, by `If-None-Match`."""
    return if_none_match is not None and (
        if_none_match.strip() == "*" or tag in (item.strip().removeprefix("W/") for item in if_none_match.split(","))
    )
