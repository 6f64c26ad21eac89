"""Examples of requests, answers and events, recorded from the demo by `python -m tests.recording`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "examples.json"


@cache
def recorded() -> dict[str, Any]:
    """The recording: `operations`, each by its id with `request` and `answer`, and `events` by their types."""
    examples: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return examples


def give_examples(operation: dict[str, Any]) -> None:
    """Put the recorded request and answer of an operation into its description."""
    example = recorded()["operations"].get(operation["operationId"], {})
    if "request" in example:
        for media_type, media in operation["requestBody"]["content"].items():
            if media_type in ("application/json", "application/x-www-form-urlencoded"):
                media["example"] = example["request"]
    for status, response in operation["responses"].items():
        media = response.get("content", {}).get("application/json")
        if "answer" in example and status < "300" and media is not None:
            media["example"] = example["answer"]
