"""The letters that the fonts of papers draw, and what stands for a letter that none of them draws."""

import re
import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_HERE = Path(str(files("app.proceedings.certificates"))) / "fonts"
# Symbols that only the fonts inside typst draw. It does not say which letters those fonts have.
_SYMBOLS = frozenset((_HERE / "symbols.txt").read_text(encoding="utf-8"))
# A font draws these as nothing, whether it has them or not: joiners, and selectors of a variant.
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
_UNICODE = (3, 10)
_SEGMENTED = 12
_MOST_KEPT = 4096
_ASCII = re.compile(r"[\x20-\x7e\n\r\t]*")


class _Font:
    """The letters of one font, as ranges of code points."""

    def __init__(self, path: Path) -> None:
        self.first, self.last = _ranges(path)

    def draws(self, letter: str) -> bool:
        """Whether the font has the letter, or all the parts of which it is composed."""
        decomposed = unicodedata.normalize("NFD", letter)
        return self._has(letter) or (decomposed != letter and all(map(self._has, decomposed)))

    def _has(self, letter: str) -> bool:
        place = bisect_right(self.first, ord(letter)) - 1
        return letter in _JOINERS or (place >= 0 and ord(letter) <= self.last[place])


def folders() -> list[Path]:
    """The folders that hold the fonts of papers."""
    found = [_HERE]
    # Noto Sans CJK is too large for this repository and comes as a package of its own.
    package = find_spec("noto_cjk_sans_jp_regular")
    if package is not None and package.origin is not None:
        found.append(Path(package.origin).parent)
    return found


def drawable(value: Any) -> tuple[Any, bool]:
    """The value with the number of each letter that no font draws in its place, and whether there is such a letter."""
    if isinstance(value, str):
        shown = value if _ASCII.fullmatch(value) else "".join(map(_shown, _clusters(value)))
        return shown, shown != value
    if isinstance(value, dict):
        shown_values, replaced = _each(list(value.values()))
        return dict(zip(value, shown_values, strict=True)), replaced
    return _each(value) if isinstance(value, list) else (value, False)


def numbered(text: str) -> str:
    """The text with every letter beyond ASCII as its number."""
    return "".join(letter if letter.isascii() else _number(letter) for letter in text)


def _each(values: Sequence[Any]) -> tuple[list[Any], bool]:
    pairs = [drawable(value) for value in values]
    return [shown for shown, _ in pairs], any(replaced for _, replaced in pairs)


def _clusters(text: str) -> list[str]:
    """The text in letters, each with the marks and joiners that follow it: one font must draw all of these."""
    clusters: list[str] = []
    for letter in text:
        if clusters and (letter in _JOINERS or unicodedata.category(letter)[0] == "M"):
            clusters[-1] += letter
        else:
            clusters.append(letter)
    return clusters


@cache
def _fonts() -> list[_Font]:
    return [_Font(path) for folder in folders() for path in sorted(folder.glob("*.[ot]tf"))]


@lru_cache(_MOST_KEPT)
def _shown(cluster: str) -> str:
    """The letter and its marks if one font draws them all; otherwise the number of each that it lacks follows."""
    if _ASCII.fullmatch(cluster) or cluster in _SYMBOLS:
        return cluster
    # The font that draws the letter itself and most of its marks.
    together = max((_drawn_of(font, cluster) for font in _fonts()), key=len)
    if len(together) == len(cluster):
        return cluster
    return together + "".join(_number(letter) for letter in cluster if letter not in together)


def _drawn_of(font: _Font, cluster: str) -> str:
    return "".join(letter for letter in cluster if font.draws(letter)) if font.draws(cluster[0]) else ""


def _number(letter: str) -> str:
    return f"[U+{ord(letter):04X}]"


def _ranges(path: Path) -> tuple[list[int], list[int]]:
    """The first and the last code points of the ranges that a font maps to glyphs, in its table of segments."""
    with path.open("rb") as font:
        tables = struct.unpack(">H", font.read(12)[4:6])[0]
        records = [struct.unpack(">4s4xII", font.read(16)) for _ in range(tables)]
        start, size = next((start, size) for tag, start, size in records if tag == b"cmap")
        font.seek(start)
        table = font.read(size)
    subtables = struct.iter_unpack(">HHI", table[4 : 4 + 8 * struct.unpack(">H", table[2:4])[0]])
    at = next(offset for platform, encoding, offset in subtables if (platform, encoding) == _UNICODE)
    form, _length, _language, groups = struct.unpack(">HxxIII", table[at : at + 16])
    if form != _SEGMENTED:
        raise ValueError(f"{path.name} has no table of segments (cmap format {_SEGMENTED}).")
    segments = list(struct.iter_unpack(">III", table[at + 16 : at + 16 + 12 * groups]))
    return [first for first, _, _ in segments], [last for _, last, _ in segments]
