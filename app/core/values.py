"""Strict types for input: text, instants, days, codes; invalid values are refused, never repaired."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Generic, Literal, ParamSpec, TypeVar
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

# Unicode's Bidi_Control: characters that can show a text in another order than it is stored in.
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Characters that nobody sees: with them, two different names or titles look the same. (Persian and the scripts of India
# need the joiners U+200C and U+200D.)
INVISIBLE = frozenset("\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff") | frozenset(
    map(chr, range(0xE0000, 0xE0080))
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BIDI = re.compile(f"[{''.join(sorted(BIDI_CONTROLS))}]")
# Normalising takes quadratic time in the length of a run of such marks. No language puts so many on a letter (UAX #15).
_MARKS = frozenset(mark for mark in map(chr, range(0x300, 0x1F000)) if unicodedata.combining(mark))
MOST_MARKS = 30
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_EARLIEST = date(1800, 1, 1)
_LATEST = date(2999, 12, 31)


def one_of(values: Iterable[str], description: str) -> Any:
    """Metadata for a text of an answer that is always one of these values; its schema lists them as an enum.

    Such a type is declared as a `TypeAliasType`, so that the OpenAPI document names it and defines it once.
    """
    return Field(json_schema_extra={"enum": list(values)}, description=description)


class In(BaseModel):
    """The parent of every request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


Change = TypeVar("Change", bound=In)


def changes_something(change: Change, nullable: Iterable[str] = (), besides: Iterable[str] = ()) -> Change:
    """A change that names at least one field, and gives a value to each that needs one; raises an error for others.

    `besides` are fields of the request that change nothing.
    """
    changed = change.model_fields_set - set(besides)
    if not changed:
        raise PydanticCustomError("empty", "Name at least one field to change.")
    if any(getattr(change, name) is None for name in changed - set(nullable)):
        only = " and ".join(f"`{name}`" for name in nullable)
        if only:
            detail = "Only {fields} can be null. Give the other fields a value, or leave them out."
            raise PydanticCustomError("null", detail, {"fields": only})
        raise PydanticCustomError("null", "A field cannot be null. Give it a value, or leave it out.")
    return change


class Out(BaseModel):
    """The parent of every response body."""

    model_config = ConfigDict(from_attributes=True)


Fields = ParamSpec("Fields")
Made = TypeVar("Made", bound=Out)


def unchecked(model: Callable[Fields, Made]) -> Callable[Fields, Made]:
    """The constructor of an answer without the validation of its values, which would cost most in a list.

    For values from columns, which have their types already. What it makes has every field of the model, in its order;
    raises TypeError for a field that is missing or unknown.
    """
    answer: Any = model
    names = tuple(answer.model_fields)
    fields_set = frozenset(names)
    new, put = answer.__new__, object.__setattr__

    def make(*_positional: Fields.args, **given: Fields.kwargs) -> Made:
        fields: dict[str, Any] = given
        if (*fields,) != names:
            # The fields are written in the order of the model, whatever order they were given in.
            if fields.keys() != fields_set:
                raise TypeError(f"{answer.__name__} has the fields {', '.join(names)}")
            fields = {name: given[name] for name in names}
        made: Made = new(answer)
        put(made, "__dict__", fields)
        put(made, "__pydantic_fields_set__", fields_set)
        put(made, "__pydantic_extra__", None)
        put(made, "__pydantic_private__", None)
        return made

    vars(make)["model"] = model
    return make


class Picture(Out):
    """A drawing that is served as an SVG document."""

    svg: str = Field(description="The SVG document.")


class Rendered(Out):
    """A file that is served with a file name."""

    content: bytes = Field(description="The bytes of the file.")
    media_type: str = Field(description="The media type of the file.")
    file_name: str = Field(description="The name of the file.")


Item = TypeVar("Item")


class Total(Out):
    """The number of items of a list; if it is `capped`, there are more."""

    total: int = Field(description="The number of items, at most 1,000.")
    capped: bool = Field(description="Whether counting stopped at `total` because the list has more items.")


class Listed(Out, Generic[Item]):
    """A page of a list: its items, the cursor of the next page, and the total if it was requested."""

    items: list[Item] = Field(description="The items of this page.")
    next: str | None = Field(
        None, description="The cursor of the next page, to be sent as `after`; null on the last page."
    )
    count: Total | None = Field(
        None, description="The number of items in the whole list, if the request said `count=true`; otherwise null."
    )


class Followed(Out, Generic[Item]):
    """A page of a feed: request the next with `after` set to `next`, at once if there may be `more`."""

    items: list[Item] = Field(description="The items of this part, the oldest first.")
    next: str = Field(description="The cursor from which to go on, to be sent as `after`. It is there on every answer.")
    more: bool = Field(description="Whether more items may be there already, so that you can ask again at once.")


def clean(text: str) -> str:
    """The text in NFC; raises ValueError for characters that are unsafe for databases or readers."""
    if _SURROGATE.search(text):
        raise PydanticCustomError(
            "text-surrogate", "The text has a lone surrogate, so it is not valid Unicode. Remove it."
        )
    if _CONTROL.search(text):
        raise PydanticCustomError(
            "text-control", "Remove the control characters from the text: only line breaks and tabs are allowed."
        )
    if _BIDI.search(text):
        raise PydanticCustomError("text-bidi", "Remove the characters that change the direction of the text.")
    if text.isascii():
        return text
    if has_many_marks(text):
        raise PydanticCustomError("text-marks", f"Put at most {MOST_MARKS} combining marks on one letter.")
    return unicodedata.normalize("NFC", text)


def has_many_marks(text: str) -> bool:
    """Whether more than MOST_MARKS combining marks follow one another somewhere."""
    # A longer run covers one of these places, so the others need not be looked at.
    for place in range(0, len(text), MOST_MARKS + 1):
        begin = end = place
        while end < len(text) and end - begin <= MOST_MARKS and text[end] in _MARKS:
            end += 1
        while end > place and begin > 0 and end - begin <= MOST_MARKS and text[begin - 1] in _MARKS:
            begin -= 1
        if end - begin > MOST_MARKS:
            return True
    return False


def one_line(text: str) -> str:
    """The text; raises an error if it has a line break or tab."""
    if re.search(r"[\n\r\t\u2028\u2029]", text):
        raise PydanticCustomError("text-line", "The text must be a single line without tabs.")
    return text


def without_invisible(text: str) -> str:
    """The text; raises an error if it has an invisible character."""
    if not INVISIBLE.isdisjoint(text):
        raise PydanticCustomError(
            "text-invisible",
            "Remove the invisible characters, such as soft hyphens and zero-width spaces.",
        )
    return text


def only_text(value: Any) -> Any:
    """The value; raises an error if it is no string."""
    if not isinstance(value, str):
        raise PydanticCustomError("text", "Give a string.")
    return value


def true_or_false(value: Any) -> Any:
    """The value of a query parameter; raises an error unless it is `true` or `false` (`1`, `on` and `t` are not)."""
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, bool):
        return value
    raise PydanticCustomError("boolean", "Give `true` or `false`.")


def id_or_me(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """The id, or `me` for the reader; raises one error for anything else, and not one for each form."""
    try:
        return validate(value)
    except ValidationError as problem:
        raise PydanticCustomError("uuid", "Give a UUID, or `me`.") from problem


def _cleaned(value: Any) -> str:
    # Before the length is checked: NFC can make a text longer.
    return clean(only_text(value))


Text = Annotated[str, StringConstraints(min_length=1, max_length=100_000), BeforeValidator(_cleaned)]
# What somebody searches for may be pasted from anywhere: invisible characters are ignored there (see `folded`).
Words = Annotated[
    str, StringConstraints(min_length=1, max_length=300), BeforeValidator(_cleaned), AfterValidator(one_line)
]
# A boolean of a query, whose values are all text. (Those of bodies are `StrictBool`.)
Flag = Annotated[bool, BeforeValidator(true_or_false)]
IdOrMe = Annotated[UUID | Literal["me"], WrapValidator(id_or_me)]
Line = Annotated[Words, AfterValidator(without_invisible)]


def of_form(pattern: str, code: str, message: str) -> BeforeValidator:
    """Refuses a text of another form in words; the pattern is for programs that read the schema."""
    form = re.compile(pattern, re.ASCII)

    def check(value: Any) -> str:
        text: str = only_text(value)
        if form.fullmatch(text) is None:
            raise PydanticCustomError(code, message)
        return text

    return BeforeValidator(check)


_CODE, _LANGUAGE = r"^[a-z0-9]+(-[a-z0-9]+)*$", r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
_COUNTRY, _SHA256 = r"^[A-Z]{2}$", r"^[0-9a-f]{64}$"
Code = Annotated[
    str,
    StringConstraints(pattern=_CODE, max_length=64),
    of_form(_CODE, "code", "Give a code of small letters, digits and hyphens, such as water-allocation."),
]
Language = Annotated[
    str,
    StringConstraints(pattern=_LANGUAGE, max_length=35),
    of_form(_LANGUAGE, "language", "Give a language by its code (BCP 47), such as en, fr or zh-Hant."),
]
Country = Annotated[
    str,
    StringConstraints(pattern=_COUNTRY),
    of_form(_COUNTRY, "country", "Give a country by its two capital letters (ISO 3166), such as HK."),
]
Sha256 = Annotated[
    str,
    StringConstraints(pattern=_SHA256),
    of_form(_SHA256, "sha256", "Give a SHA-256 as 64 hexadecimal digits in small letters."),
]


def _rfc3339(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise PydanticCustomError(
            "instant", "Give an instant in RFC 3339 with its offset, such as 2027-03-08T10:00:00Z."
        )
    return value


def _in_utc(value: datetime) -> datetime:
    if not _EARLIEST <= value.date() <= _LATEST:
        raise PydanticCustomError("instant-range", "Give an instant between the years 1800 and 2999.")
    return value.astimezone(UTC)


def _iso_day(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "Give a day as YYYY-MM-DD.")
    return value


def _sane_day(value: date) -> date:
    if not _EARLIEST <= value <= _LATEST:
        raise PydanticCustomError("day-range", "Give a day between the years 1800 and 2999.")
    return value


Instant = Annotated[datetime, BeforeValidator(_rfc3339), AfterValidator(_in_utc)]
Day = Annotated[date, BeforeValidator(_iso_day), AfterValidator(_sane_day)]


_zones = cache(available_timezones)


def _zone(name: str) -> str:
    if name not in _zones():
        raise PydanticCustomError("time-zone", "Give a time zone by its IANA name, such as Asia/Hong_Kong.")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), BeforeValidator(only_text), AfterValidator(_zone)]


def _distinct(values: list[Any]) -> list[Any]:
    if len(values) != len(set(values)):
        raise PydanticCustomError("repeated", "List each value only once.")
    return values


# How many parties a case may have, and how many of them an answer shows that is no list of parties.
MOST_PARTIES, MOST_SHOWN = 500, 20
PartyIds = Annotated[list[UUID], Field(max_length=MOST_PARTIES), AfterValidator(_distinct)]
Codes = Annotated[list[Code], Field(max_length=50), AfterValidator(_distinct)]
Languages = Annotated[list[Language], Field(max_length=20), AfterValidator(_distinct)]


def email_key(address: str) -> str:
    """The form of an address for comparison: trimmed, with ASCII letters in lower case."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in address.strip())


def _address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+\.[^\s@<>,;:\"()\[\]\\.]+", value):
        raise PydanticCustomError("email", "Give an e-mail address.")
    return value


Email = Annotated[
    str,
    StringConstraints(max_length=320),
    BeforeValidator(_cleaned),
    AfterValidator(without_invisible),
    AfterValidator(_address),
]


def folded(text: str) -> str:
    """The form of a text for searches: NFKC, case folded, without format characters, with one kind of dash."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    return " ".join(re.sub(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]", "-", visible).split())
