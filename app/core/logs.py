"""What the service tells its operator: one line for each request and fault, without secrets and people's words."""

import logging
import sys
import threading
import traceback
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter

from app.settings import Settings

_Exception = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(settings: Settings) -> None:
    """Send every log to standard error: as JSON, or readable on a terminal; what nobody catches goes there too."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Text() if as_text else _Json())
    handler.addFilter(_plain)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _uncaught(kind: type[BaseException], problem: BaseException | None, place: TracebackType | None) -> None:
    """Log what nobody caught; Python itself would print its message."""
    if not issubclass(kind, KeyboardInterrupt):
        fault = (kind, problem or kind(), place)
        logging.getLogger("accord").critical("what was not to be expected ended a part of the service", exc_info=fault)


def _plain(record: logging.LogRecord) -> bool:
    """Take from a line what others than Accord put there and no operator wants: colours, and words of exceptions."""
    vars(record).pop("color_message", None)
    if record.name == "asyncio":
        # What the event loop says of a fault goes on with the exception's words; its first line has none.
        record.msg, record.args = record.getMessage().partition("\n")[0], ()
    return True


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
