"""Structured logs: one JSON object a line on stderr, each with process name, time and, inside a request, its id.

Promises: lines of libraries look like our own; a fact that JSON does not know is written as Python shows it, so that no line is lost for what
it says. Plain `logging` underneath: a library for this took a tenth of an edge's start, in each of its processes.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

WARNING: Final = logging.WARNING
# Libraries that report every look they take.
CHATTY: Final = ("alembic", "rq")
_FACTS: Final = "facts"  # the attribute of a record that holds what an event was told with

_request_id: ContextVar[str] = ContextVar("request_id", default="")


class Log:
    """What a module logs by: a sentence that never changes, and the facts of this time by name."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **facts: object) -> None:
        self._logger.info(event, extra={_FACTS: facts})

    def warning(self, event: str, *, exc_info: bool | BaseException = False, **facts: object) -> None:
        self._logger.warning(event, exc_info=exc_info, extra={_FACTS: facts})

    def error(self, event: str, *, exc_info: bool | BaseException = False, **facts: object) -> None:
        self._logger.error(event, exc_info=exc_info, extra={_FACTS: facts})

    def exception(self, event: str, **facts: object) -> None:
        """Inside an `except`: with the traceback."""
        self._logger.exception(event, extra={_FACTS: facts})  # noqa: LOG004 - the handler is the caller's


get = Log


class _Lines(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {"event": record.getMessage(), **getattr(record, _FACTS, {})}
        line |= {"process": self._process, "level": record.levelname.lower(), "logger": record.name}
        if request_id := _request_id.get():
            line["request_id"] = request_id
        line["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=repr, ensure_ascii=False)


def configure(*, process: str, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Sends our events and the lines of libraries through one JSON formatter."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Lines(process))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def begin_request(request_id: str) -> None:
    """Every line of this thread carries `request_id` from here on, until the next request begins."""
    _request_id.set(request_id)


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Every line logged inside carries `request_id`."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)
