"""Pages of long lists: the cursor names the last row of a page, so rows that arrive meanwhile neither repeat nor hide others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from kit.refusals import Malformed

PAGE_ROWS = 50
PAGE_ROWS_MAX = 200

Row = TypeVar("Row")


class CursorMalformed(Malformed):
    code: ClassVar[str] = "cursor_malformed"
    says: ClassVar[str] = "This cursor was not given out here. Start again at the first page."


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """`next_cursor` is None on the last page."""

    rows: tuple[Row, ...]
    next_cursor: str | None


def size(rows: int) -> int:
    return max(1, min(rows, PAGE_ROWS_MAX))


def cut(rows: Sequence[Row], *, rows_max: int, key: Callable[[Row], UUID]) -> Page[Row]:
    """A page out of `rows`, of which one more than `rows_max` was asked for to learn whether there is a next page."""
    kept = tuple(rows[:rows_max])
    return Page(rows=kept, next_cursor=key(kept[-1]).hex if len(rows) > rows_max else None)


def read_cursor(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError as error:
        raise CursorMalformed from error
