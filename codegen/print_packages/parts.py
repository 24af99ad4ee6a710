"""An order cut into parts for one recipient or several: which rows go into which package.

Promises: parts cover the rows without gap or overlap, none holds codes of two kinds, and recipients take turns. Refuses more parts than a limit
allows. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from codegen.lifecycle.ranges import checked_rows
from codegen.orders import CodeOrder
from kit.refusals import Invalid

PARTS_MAX = 1000


class TooManyParts(Invalid):
    code = "too_many_parts"
    says = "{parts} parts at once are more than {parts_max}. Make them larger, or ask for fewer rows."


class PartOfNothing(Invalid):
    code = "part_of_nothing"
    says = "A part has at least one code, and somebody it is for."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of the order, counted from 1."""

    first: int
    last: int
    recipient: str


def cut(
    order: CodeOrder, *, recipients: Sequence[str], first: int = 1, last: int | None = None, codes_max: int | None = None
) -> list[Part]:
    """Parts of `codes_max` codes (None: as large as can be) from row `first` to row `last`, the recipients in turn."""
    if not recipients or (codes_max is not None and codes_max < 1):
        raise PartOfNothing
    first, last = checked_rows(first=first, last=last, quantity=order.quantity)
    stretches = [(max(first, start), min(last, end)) for start, end in _blocks(order) if start <= last and end >= first]
    parts = sum(-(-(end - start + 1) // (codes_max or end - start + 1)) for start, end in stretches)
    if parts > PARTS_MAX:
        raise TooManyParts(parts=parts, parts_max=PARTS_MAX)
    turns = cycle(recipients)
    return [
        Part(first=row, last=min(row + (codes_max or end) - 1, end), recipient=next(turns))
        for start, end in stretches
        for row in range(start, end + 1, codes_max or end - start + 1)
    ]


def _blocks(order: CodeOrder) -> Iterator[tuple[int, int]]:
    """First and last row of each kind."""
    if order.packaging is None:
        yield 1, order.quantity
        return
    for block in order.packaging.blocks:
        yield block.first + 1, block.last + 1
