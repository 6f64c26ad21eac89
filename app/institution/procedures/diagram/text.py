"""Lines of text and how long text is broken into them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TITLE_SIZE, HEADING_SIZE, BODY_SIZE, SMALL_SIZE = 18, 13, 12, 11
# Width of a letter relative to its size: an upper bound, since the reader's sans-serif font is unknown.
_LETTER, _BOLD_LETTER = 0.56, 0.6
BOX_WIDTH, LABEL_WIDTH, ENDING_WIDTH = 260, 272, 280
PADDING = 8


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text in a diagram; sizes in pixels."""

    text: str
    size: int = BODY_SIZE
    bold: bool = False
    indent: int = 0

    @property
    def height(self) -> int:
        """Height with the space below it."""
        return self.size + 4


def _text_width(text: str, size: int, bold: bool = False) -> float:
    letter = _BOLD_LETTER if bold else _LETTER
    return sum(size * (1.0 if unicodedata.east_asian_width(sign) in "WF" else letter) for sign in text)


def wrapped(text: str, width: float, size: int, *, bold: bool = False, hanging: int = 0) -> list[TextLine]:
    """Break text into lines that fit the width; break a word that is wider, after a mark if it has one."""
    lines = [""]
    for space, piece in _pieces(text, width - hanging, size, bold):
        longer = lines[-1] + space + piece if lines[-1] else piece
        if _text_width(longer, size, bold) <= width - hanging:
            lines[-1] = longer
        else:
            lines.append(piece)
    return [TextLine(line, size, bold, hanging if position else 0) for position, line in enumerate(lines)]


def _pieces(text: str, width: float, size: int, bold: bool) -> Iterator[tuple[str, str]]:
    """Words and parts of words that fit in a line, each with the space before it."""
    for word in text.split():
        parts = [word] if _text_width(word, size, bold) <= width else re.split(r"(?<=[/.-])", word)
        space = " "
        for part in parts:
            for piece in _broken(part, width, size, bold):
                yield space, piece
                space = ""


def _broken(word: str, width: float, size: int, bold: bool) -> Iterator[str]:
    piece = ""
    for sign in word:
        if piece and _text_width(piece + sign, size, bold) > width:
            yield piece
            piece = ""
        piece += sign
    yield piece


def height_of(lines: Iterable[TextLine]) -> int:
    """Height of lines stacked below each other."""
    return sum(line.height for line in lines)
