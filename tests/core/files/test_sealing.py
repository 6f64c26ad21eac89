"""A sealed file opens whole or in part, and does not open if anything in it was changed."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Altered
from app.core.files.sealing import HEADER, SEGMENT, TAG, Key, Sealing, pieces, reader, sealed_size, segments_of

KEY = Key(b"k" * 32, UUID(int=1))
SALT, PREFIX = b"s" * 32, b"p" * 7
STEP = SEGMENT + TAG
SIZES = st.one_of(
    st.integers(0, 300),
    st.builds(lambda count, more: max(count * SEGMENT + more, 0), st.integers(0, 20), st.integers(-2, 2)),
    st.integers(0, 20 * SEGMENT),
)


def plain_of(size: int) -> bytes:
    """Bytes in which no two segments are alike."""
    return b"".join(number.to_bytes(8, "big") for number in range(size // 8 + 1))[:size]


def sealed(plain: bytes, key: Key = KEY, salt: bytes = SALT, cuts: tuple[int, ...] = ()) -> bytes:
    """The sealed form of bytes that arrive in parts."""
    sealing = Sealing(key, salt, PREFIX)
    places = [0, *sorted(min(cut, len(plain)) for cut in cuts), len(plain)]
    parts = [plain[start:end] for start, end in pairwise(places)]
    return b"".join([sealing.begin(), *(sealing.add(part) for part in parts), sealing.end()])


def opened(file: bytes, size: int, key: Key = KEY) -> bytes:
    """The plain form, read to its end."""
    with reader(key, size, len(file), lambda start, end: file[start:end]) as plain:
        return plain.read()


@settings(deadline=None)
@given(size=SIZES, cuts=st.lists(st.integers(0, 20 * SEGMENT), max_size=5))
def test_a_file_opens_as_it_was_sealed_in_whatever_chunks_it_arrived(size: int, cuts: list[int]) -> None:
    plain = plain_of(size)
    file = sealed(plain, cuts=tuple(cuts))
    assert len(file) == sealed_size(size)
    assert opened(file, size) == plain


@settings(deadline=None)
@given(size=SIZES, start=st.integers(0, 20 * SEGMENT), length=st.integers(0, 5 * SEGMENT))
def test_a_range_reads_only_the_segments_that_it_touches(size: int, start: int, length: int) -> None:
    plain = plain_of(size)
    file = sealed(plain)
    start = min(start, size)
    end = min(start + length, size)
    asked = list(pieces(size, start, end, at_once=3)) if end > start else []
    touched = [segment for piece in asked for segment in range(piece.first, piece.until)]
    assert touched == (list(range(start // SEGMENT, (end - 1) // SEGMENT + 1)) if end > start else [])
    with reader(KEY, size, len(file), lambda begin, stop: file[begin:stop]) as opening:
        opening.seek(start)
        assert opening.read(end - start) == plain[start:end]


@settings(deadline=None)
@given(size=st.integers(1, 4 * SEGMENT), place=st.integers(0), bit=st.integers(0, 7))
def test_a_file_with_a_flipped_bit_does_not_open(size: int, place: int, bit: int) -> None:
    file = bytearray(sealed(plain_of(size)))
    file[place % len(file)] ^= 1 << bit
    with pytest.raises(Altered):
        opened(bytes(file), size)


def _segments(file: bytes) -> list[bytes]:
    return [file[place : place + STEP] for place in range(HEADER, len(file), STEP)]


PLAIN = plain_of(4 * SEGMENT + 100)
WHOLE = sealed(PLAIN)
HEAD, PARTS = WHOLE[:HEADER], _segments(WHOLE)
OTHER = _segments(sealed(PLAIN[::-1]))
CORRUPTIONS = {
    "swapped": HEAD + b"".join([PARTS[1], PARTS[0], *PARTS[2:]]),
    "truncated": WHOLE[:-1],
    "without the last segment": HEAD + b"".join(PARTS[:-1]),
    "without a middle segment": HEAD + b"".join([*PARTS[:2], *PARTS[3:]]),
    "with a segment twice": HEAD + b"".join([*PARTS[:2], PARTS[1], *PARTS[2:]]),
    "lengthened": WHOLE + b"\0",
    "lengthened by a segment": WHOLE + PARTS[0],
    "with a segment of another file": HEAD + b"".join([_segments(sealed(PLAIN, salt=b"t" * 32))[0], *PARTS[1:]]),
    "of another document": sealed(PLAIN, Key(KEY.data_key, UUID(int=2))),
    "of another case": sealed(PLAIN, Key(b"j" * 32, KEY.document_id)),
    "of other bytes with the old header's nonce": HEAD + b"".join([*PARTS[:-1], PARTS[0]])[: len(WHOLE) - HEADER],
    "without a header": WHOLE[HEADER:],
    "empty": b"",
}


@pytest.mark.parametrize("what", CORRUPTIONS)
@pytest.mark.parametrize("claimed", ["as written", "as it is now"])
def test_a_corrupted_file_does_not_open(what: str, claimed: str) -> None:
    file = CORRUPTIONS[what]
    size = len(PLAIN)
    if claimed == "as it is now":
        # An attacker who can change the row as well as the file gains nothing.
        size = next((size for size in range(len(file), -1, -1) if sealed_size(size) == len(file)), 0)
    with pytest.raises(Altered):
        opened(file, size)


@settings(deadline=None)
@given(order=st.permutations(range(len(PARTS))), length=st.integers(1, len(PARTS)))
def test_a_file_with_missing_or_reordered_segments_does_not_open(order: list[int], length: int) -> None:
    chosen = order[:length]
    if chosen == list(range(len(PARTS))):
        return
    file = HEAD + b"".join(PARTS[number] for number in chosen)
    size = len(file) - HEADER - TAG * len(chosen)
    with pytest.raises(Altered):
        opened(file, size)


def test_an_empty_file_has_one_segment() -> None:
    assert [segments_of(size) for size in (0, 1, SEGMENT, SEGMENT + 1)] == [1, 1, 1, 2]
