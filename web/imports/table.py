"""What all imports share: how a value is read, how a row's faults are collected, and the answer.

Promises: a value that cannot be read becomes a fault with line, column and reason, never an exception, so that one pass names them all.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, TypeVar

from sqlalchemy.orm import Session

from kit.csv_files import Faults, Limits, Reader, Row, shown
from supplychain import imported_files

# A clock of another system may be a little ahead of ours; a local time written as UTC is hours ahead, and is refused.
AHEAD_MAX = timedelta(minutes=5)
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
PROGRESS_ROWS = 10_000
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|\+00:00)")

T = TypeVar("T")
Progress = Callable[[str, int], None]  # what is going on, and how many rows of it are done


def silent(stage: str, rows: int) -> None:
    """Progress that nobody looks at."""


class Unreadable(ValueError):  # noqa: N818 - it says what the value is
    """A value that is not what its column asks for; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The answer of an import. `rows_changed` counts what was there before under the same id with other data."""

    kind: str
    rows: int
    rows_new: int
    rows_changed: int = 0

    def __str__(self) -> str:
        changed = f", {self.rows_changed} changed" if self.rows_changed else ""
        return f"{self.rows} {'row' if self.rows == 1 else 'rows'}, {self.rows_new} new{changed}"


@dataclass(slots=True)
class RowReader:
    """The columns of one row; `sound` is False as soon as one of them is at fault."""

    row: Row
    columns: Sequence[str]
    faults: Faults
    sound: bool = True

    def read(self, column: int, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(self.row.values[column])
        except Unreadable as error:
            self.fault(column, str(error))
            return None

    def fault(self, column: int, reason: str) -> None:
        self.sound = False
        self.faults.add(line=self.row.line, column=self.columns[column], reason=reason)


def instant(text: str, *, now: datetime) -> datetime:
    """ISO 8601 in UTC, not in the future."""
    if not _INSTANT.fullmatch(text):
        raise Unreadable(f"{shown(text)} is no time in ISO 8601 UTC, such as 2026-01-31T08:30:00Z")
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(f"{shown(text)} is no time: {error}") from error
    if at > now + AHEAD_MAX:
        raise Unreadable(f"{shown(text)} lies in the future")
    if at < EARLIEST:
        raise Unreadable(f"{shown(text)} is before {EARLIEST:%Y-%m-%d}")
    return at


def begin(
    session: Session, file: BinaryIO, *, tenant_id: int, kind: str, header: Sequence[str], limits: Limits
) -> tuple[Reader, Faults]:
    """Puts this import in line behind others of its brand and kind, and opens the file."""
    imported_files.lock(session, tenant_id=tenant_id, kind=kind)
    return Reader(file, header=header, limits=limits), Faults()


def finish(session: Session, loaded: Loaded, *, tenant_id: int, reader: Reader, now: datetime) -> Loaded:
    imported_files.remember(
        session,
        tenant_id=tenant_id,
        kind=loaded.kind,
        sha256=reader.sha256,
        rows=loaded.rows,
        rows_new=loaded.rows_new,
        now=now,
    )
    return loaded
