"""Names of files as they come in a header and go out in one: of any script, and never a path (RFC 6266, RFC 8187)."""

import re
import unicodedata
from urllib.parse import quote, unquote_to_bytes

from app.core.errors import Invalid, invalid
from app.core.values import BIDI_CONTROLS

MOST_BYTES = 255
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf';[ \t]*({_WORD})[ \t]*=[ \t]*(?:({_WORD})|"((?:[^"\\\x00-\x1f]|\\.)*)")[ \t]*')
_EXTENDED = re.compile(r"UTF-8'[A-Za-z0-9-]*'((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-Fa-f]{2})+)", re.IGNORECASE)
# Between letters of some scripts these two are spelling, not formatting.
_JOINERS = frozenset("\u200c\u200d")


def name_of(header: str | None) -> str:
    """The file name in a `Content-Disposition`; Invalid if there is none, or one that no file should have."""
    if header is None:
        raise _refusal("name-missing", "Name the file: Content-Disposition: attachment; filename*=UTF-8''name.pdf")
    kind, _semicolon, _rest = header.partition(";")
    given: dict[str, str] = {}
    end = len(kind)
    for found in _PARAMETER.finditer(header, end):
        if found.start() != end:
            break
        end = found.end()
        if given.setdefault(found[1].lower(), found[2] or found[3] or "") != (found[2] or found[3] or ""):
            raise _refusal("name-header", "The header names the file twice.")
    if kind.strip().lower() != "attachment" or end != len(header.rstrip()):
        raise _refusal("name-header", "The header is not of the form attachment; filename*=UTF-8''name.pdf")
    if "filename*" in given:
        return checked(_decoded(given["filename*"]))
    if "filename" not in given:
        raise _refusal("name-missing", "Name the file: Content-Disposition: attachment; filename*=UTF-8''name.pdf")
    plain = re.sub(r"\\(.)", r"\1", given["filename"]) if '\\"' in given["filename"] else given["filename"]
    if not plain.isascii():
        raise _refusal("name-encoding", "A name that is not ASCII goes into filename*, percent-encoded as UTF-8.")
    return checked(plain)


def _decoded(extended: str) -> str:
    found = _EXTENDED.fullmatch(extended)
    if found is None:
        raise _refusal("name-encoding", "filename* has the form UTF-8''name, percent-encoded.")
    try:
        return unquote_to_bytes(found[1]).decode("utf-8")
    except UnicodeDecodeError as problem:
        raise _refusal("name-encoding", "filename* is not valid UTF-8.") from problem


def checked(name: str) -> str:
    """The name in NFC; Invalid, with a code for each kind of fault, if no file should have it."""
    name = unicodedata.normalize("NFC", name)
    if not BIDI_CONTROLS.isdisjoint(name):
        raise _refusal("name-bidi", "The name has a character that changes the direction of reading.")
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} - _allowed(letter) for letter in name):
        raise _refusal("name-control", "The name has a character that cannot be seen.")
    if re.search(r"[/\\]", name) or name.strip(". ") == "" or re.match(r"[A-Za-z]:", name):
        raise _refusal("name-path", "A name is wanted, not a path.")
    if len(name.encode()) > MOST_BYTES:
        raise _refusal("name-length", f"A name has at most {MOST_BYTES} bytes in UTF-8.")
    if name != name.strip() or name.endswith("."):
        raise _refusal("name-edges", "A name neither begins nor ends with a space, nor ends with a dot.")
    return name


def _allowed(letter: str) -> set[str]:
    return {"Cf"} if letter in _JOINERS else set()


def _refusal(code: str, message: str) -> Invalid:
    return invalid("header/Content-Disposition", code, message)


def extension_of(name: str) -> str:
    """What stands after the last dot, in lower case; nothing if there is none."""
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if stem and dot else ""


def disposition(name: str) -> str:
    """The header under which a file of that name is handed out: always to be kept, never to be shown."""
    plain = re.sub(r"[^A-Za-z0-9 !#$&'()+,.;=@\[\]^_`{}~-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
