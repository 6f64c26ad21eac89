"""What the service tells its operator: one line for each request and fault, without secrets and people's words."""

import logging
import sys
import traceback
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter

from app.settings import Settings

_Exception = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(settings: Settings) -> None:
    """Send every log to standard error: as JSON, or readable on a terminal."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Text() if as_text else _Json())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("alembic", "uvicorn.error", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def told_without_words(fault: _Exception) -> str:
    """Where a fault came from and of which kind it is; its message may hold what somebody wrote, so it is left out."""
    kind, problem, place = fault
    if kind is None or problem is None:
        return ""
    lines = []
    if problem.__cause__ is not None:
        cause = problem.__cause__
        lines += [told_without_words((type(cause), cause, cause.__traceback__)), "which led to"]
    lines += [line.rstrip() for line in traceback.format_tb(place)]
    return "\n".join([*lines, f"{kind.__module__}.{kind.__qualname__}"])


class _Json(JsonFormatter):
    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="at",
            json_ensure_ascii=False,
        )

    def formatException(self, ei: _Exception) -> str:  # noqa: N802 - its name in the standard library
        """The exception, without its message."""
        return told_without_words(ei)


class _Text(logging.Formatter):
    _OWN = frozenset(("request_id", "method", "route", "status", "code", "milliseconds"))

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, with what a request's entry has beside its message."""
        more = " ".join(f"{name}={value}" for name, value in vars(record).items() if name in self._OWN)
        return f"{super().format(record)} {more}".rstrip()

    def formatException(self, ei: _Exception) -> str:  # noqa: N802 - its name in the standard library
        """The exception, without its message."""
        return told_without_words(ei)
