"""File names in headers of requests and answers: of any script, and never a path (RFC 6266, RFC 8187)."""

import re
import unicodedata
from urllib.parse import quote, unquote_to_bytes

from app.core.errors import Invalid, invalid
from app.core.values import BIDI_CONTROLS

MOST_BYTES = 255
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf';[ \t]*({_WORD})[ \t]*=[ \t]*(?:({_WORD})|"((?:[^"\\\x00-\x1f]|\\.)*)")[ \t]*')
_EXTENDED = re.compile(r"UTF-8'[A-Za-z0-9-]*'((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-Fa-f]{2})+)", re.IGNORECASE)
# In some scripts these two characters are part of the spelling.
_JOINERS = frozenset("\u200c\u200d")


def name_of(header: str | None) -> str:
    """The file name in a `Content-Disposition`; raises Invalid if it is missing or not allowed."""
    if header is None:
        raise _refusal("name-missing", "Name the file: Content-Disposition: attachment; filename*=UTF-8''name.pdf")
    kind, _semicolon, _rest = header.partition(";")
    parameters: dict[str, str] = {}
    end = len(kind)
    for match in _PARAMETER.finditer(header, end):
        if match.start() != end:
            break
        end = match.end()
        value = match[2] or match[3] or ""
        if parameters.setdefault(match[1].lower(), value) != value:
            raise _refusal("name-header", "Name the file only once.")
    if kind.strip().lower() != "attachment" or end != len(header.rstrip()):
        raise _refusal("name-header", "Write the header as: attachment; filename*=UTF-8''name.pdf")
    if "filename*" in parameters:
        return checked(_decoded(parameters["filename*"]))
    if "filename" not in parameters:
        raise _refusal("name-missing", "Name the file: Content-Disposition: attachment; filename*=UTF-8''name.pdf")
    plain = parameters["filename"]
    if '\\"' in plain:
        plain = re.sub(r"\\(.)", r"\1", plain)
    if not plain.isascii():
        raise _refusal("name-encoding", "Put a name that is not ASCII into filename*, percent-encoded as UTF-8.")
    return checked(plain)


def _decoded(extended: str) -> str:
    match = _EXTENDED.fullmatch(extended)
    if match is None:
        raise _refusal("name-encoding", "Write filename* as UTF-8''name, percent-encoded.")
    try:
        return unquote_to_bytes(match[1]).decode("utf-8")
    except UnicodeDecodeError as problem:
        raise _refusal("name-encoding", "Encode filename* as valid UTF-8.") from problem


def checked(name: str) -> str:
    """The name in NFC; raises Invalid, with a code for each kind of fault, if it is not allowed."""
    # Before a name is normalised, which takes quadratic time: four letters become one at most.
    if len(name) > 4 * MOST_BYTES:
        raise _refusal("name-length", f"Give a name of at most {MOST_BYTES} bytes in UTF-8.")
    name = unicodedata.normalize("NFC", name)
    if not BIDI_CONTROLS.isdisjoint(name):
        raise _refusal("name-bidi", "Remove the characters from the name that change the direction of text.")
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} - _allowed(letter) for letter in name):
        raise _refusal("name-control", "Remove the invisible characters from the name.")
    if re.search(r"[/\\]", name) or name.strip(". ") == "" or re.match(r"[A-Za-z]:", name):
        raise _refusal("name-path", "Give a name, not a path.")
    if len(name.encode()) > MOST_BYTES:
        raise _refusal("name-length", f"Give a name of at most {MOST_BYTES} bytes in UTF-8.")
    if name != name.strip() or name.endswith("."):
        raise _refusal("name-edges", "A name must not begin or end with a space, or end with a dot.")
    return name


def _allowed(letter: str) -> set[str]:
    return {"Cf"} if letter in _JOINERS else set()


def _refusal(code: str, message: str) -> Invalid:
    return invalid("header/Content-Disposition", code, message)


def extension_of(name: str) -> str:
    """The part after the last dot, in lower case; empty if there is no dot."""
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if stem and dot else ""


def disposition(name: str) -> str:
    """The `Content-Disposition` of a download, which browsers save and do not show."""
    plain = re.sub(r"[^A-Za-z0-9 !#$&'()+,.;=@\[\]^_`{}~-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
