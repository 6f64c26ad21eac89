"""The log: a line for each request and error, without secrets and without what people wrote."""

import logging
import sys
import threading
import traceback
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter

from app.settings import Settings

_Exception = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(settings: Settings) -> None:
    """Send every log, and uncaught exceptions, to standard error: as JSON, or as text on a terminal."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_TextFormatter() if as_text else _JsonFormatter())
    handler.addFilter(_plain)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _uncaught(kind: type[BaseException], problem: BaseException | None, place: TracebackType | None) -> None:
    """Log an uncaught exception without its message, which Python would print."""
    if not issubclass(kind, KeyboardInterrupt):
        fault = (kind, problem or kind(), place)
        logging.getLogger("accord").critical("an unexpected error ended a part of the service", exc_info=fault)


def _plain(record: logging.LogRecord) -> bool:
    """Remove what other libraries put into a line and operators must not see: colours, and messages of exceptions."""
    vars(record).pop("color_message", None)
    if record.name == "asyncio":
        # The event loop logs an error with the exception's message, except in the first line.
        record.msg, record.args = record.getMessage().partition("\n")[0], ()
    return True


def format_without_message(fault: _Exception) -> str:
    """The traceback and kind of an exception; its message is left out, since it may contain what somebody wrote."""
    kind, problem, place = fault
    if kind is None or problem is None:
        return ""
    lines = []
    if problem.__cause__ is not None:
        cause = problem.__cause__
        lines += [format_without_message((type(cause), cause, cause.__traceback__)), "which led to"]
    lines += [line.rstrip() for line in traceback.format_tb(place)]
    return "\n".join([*lines, f"{kind.__module__}.{kind.__qualname__}"])


class _JsonFormatter(JsonFormatter):
    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="at",
            json_ensure_ascii=False,
        )

    def formatException(self, ei: _Exception) -> str:  # noqa: N802 - the name in the standard library
        """The exception, without its message."""
        return format_without_message(ei)


class _TextFormatter(logging.Formatter):
    _OWN = frozenset(("request_id", "method", "route", "status", "code", "milliseconds"))

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the fields of a request's entry after its message."""
        more = " ".join(f"{name}={value}" for name, value in vars(record).items() if name in self._OWN)
        return f"{super().format(record)} {more}".rstrip()

    def formatException(self, ei: _Exception) -> str:  # noqa: N802 - the name in the standard library
        """The exception, without its message."""
        return format_without_message(ei)
