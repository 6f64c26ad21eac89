"""Patterns that the tests of the source look for."""

import ast
import re
from collections.abc import Iterator

from tests.house.source import Source

CLOCK_AND_CHANCE = re.compile(
    r"datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today|time\.(time|time_ns|localtime|gmtime)"
    r"|os\.(urandom|getrandom)|uuid\.uuid[1-8]|secrets\.(?!compare_digest)\w+|random\.\w+"
)


def sets_a_word_of_the_case(file: Source) -> Iterator[tuple[int, str]]:
    """Where a file assigns a field of the case: `x.stage = …`, `setattr(x, "stage", …)`, `.values(stage=…)`."""
    for node in file.nodes:
        match node:
            case ast.Attribute(attr=word, ctx=ast.Store()) if word in OF_A_CASE:
                yield node.lineno, word
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(word)), *_]) if (
                word in OF_A_CASE
            ):
                yield node.lineno, word
            case ast.Call(func=ast.Attribute(attr="values"), args=arguments, keywords=keywords):
                words: list[object] = [keyword.arg for keyword in keywords]
                for keys in (each.keys for each in arguments if isinstance(each, ast.Dict)):
                    words += [key.value for key in keys if isinstance(key, ast.Constant)]
                    words += [key.attr for key in keys if isinstance(key, ast.Attribute)]
                for word in OF_A_CASE.intersection(words):
                    yield node.lineno, word


def statuses(file: Source) -> Iterator[tuple[int, int]]:
    """Every number that a file uses as a status, with its line: in a call, an assignment or a mapping."""
    for node in file.nodes:
        pairs: list[tuple[object, ast.expr | None]] = []
        match node:
            case ast.keyword(arg=str(word), value=value):
                pairs = [(word, value)]
            case ast.Assign(targets=[ast.Name(id=word) | ast.Attribute(attr=word)], value=value):
                pairs = [(word, value)]
            case ast.AnnAssign(target=ast.Name(id=word) | ast.Attribute(attr=word), value=value):
                pairs = [(word, value)]
            case ast.Dict(keys=keys, values=values):
                pairs = [
                    (key.value, value) for key, value in zip(keys, values, strict=True) if isinstance(key, ast.Constant)
                ]
        for name, number in pairs:
            named = name in {"status", "status_code"}
            if named and isinstance(number, ast.Constant) and isinstance(number.value, int):
                yield number.lineno, number.value


OF_A_CASE = {"stage", "outcome", "phase"}
