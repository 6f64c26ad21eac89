"""Rule sets of the institution's own, made for a test from a shipped one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.rules.loader import LIBRARY, use_folder


def rewritten(name: str, id: str, *changes: tuple[str, str]) -> str:
    """The text of a shipped rule set, with another id and some passages replaced, each of which must occur."""
    text = (LIBRARY / f"{name}.toml").read_text(encoding="utf-8").replace(f'id = "{name}"', f'id = "{id}"')
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def own_rules(folder: Path, **texts: str) -> Iterator[None]:
    """Give the institution these rule sets (by id, with underscores for hyphens) in addition to the shipped ones."""
    folder.mkdir(exist_ok=True)
    for id, text in texts.items():
        (folder / f"{id.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    use_folder(folder)
    try:
        yield
    finally:
        use_folder(None)
