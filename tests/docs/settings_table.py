"""Writes the table of settings into docs/operate.md: `python -m tests.docs.settings_table`."""

import re

from app.settings import PREFIX, Settings
from tests.house.source import ROOT

PAGE = ROOT / "docs" / "operate.md"
HEAD = "| variable | default | meaning |\n| --- | --- | --- |\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\|\n)*")


def table() -> str:
    """The table of the settings as the service has them."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_shown(field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "".join(rows)


def _shown(default: object) -> str:
    if default is None:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _found: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
