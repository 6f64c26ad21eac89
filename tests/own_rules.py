"""Rule sets of the institution's own, made for a test from a shipped one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.rules.loader import LIBRARY, use_folder
from tests.installation import Json

OURS = {"procedure": "ours-2026", "category": "state-state"}
# The reply term of UNCITRAL's rules, from its period to its last key.
REPLY = """period = "30 days"
counting = "day-after"
roll = "none"
settable = true
extend_by = ["requesting-party"]
waive_by = ["requesting-party"]
"""


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


def with_reply_term(**keys: str) -> str:
    """The text of `ours-2026`: UNCITRAL's rules with these keys for the term of the reply."""
    lines = {"counting": '"day-after"', "roll": '"none"', **keys}
    return rewritten(
        "uncitral-2021", "ours-2026", (REPLY, "".join(f"{key} = {value}\n" for key, value in lines.items()))
    )


class OwnTerm:
    """Rule sets of the institution's own that differ in their term for the reply, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, **keys: str) -> Json:
        """Use a rule set with these keys for the term; gives what a request names to open a case under it."""
        use_folder(None)
        self.folder.mkdir(exist_ok=True)
        (self.folder / "ours-2026.toml").write_text(with_reply_term(**keys), encoding="utf-8")
        use_folder(self.folder)
        return OURS
