"""Stretches of counters: which decision covers a counter, and how many counters a set of decisions covers.

Promises: `disjoint` keeps, for every counter, the earliest decision that covers it, so that a void keeps the reason of whoever
voided first. Intervals are closed on both sides. Pure.

An edge holds a `Stretch` for every decision of every brand, and makes all of them anew when one is added: they are structs, which are
made in a tenth of a dataclass's time, and the garbage collector does not count them, since nothing in them can lead back to them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace


class Stretch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Counters `first` to `last`, both included, and why they are treated so."""

    first: int
    last: int
    reason: str
    decided_by: str
    decided_at: datetime

    @property
    def count(self) -> int:
        return self.last - self.first + 1


Stretches = tuple[Stretch, ...]


def disjoint(decisions: Iterable[Stretch]) -> Stretches:
    """The same coverage without overlaps, sorted by counter; of two decisions over one counter the earlier in the input stays."""
    kept: list[Stretch] = []
    for decision in decisions:
        for first, last in gaps(kept, first=decision.first, last=decision.last):
            whole = first == decision.first and last == decision.last
            kept.insert(_position(kept, first), decision if whole else replace(decision, first=first, last=last))
    return tuple(kept)


def at(stretches: Sequence[Stretch], n: int) -> Stretch | None:
    """The stretch that covers `n`; `stretches` are disjoint and sorted."""
    place = _position(stretches, n) - 1
    return stretches[place] if place >= 0 and stretches[place].last >= n else None


def covers(stretches: Sequence[Stretch], *, first: int, last: int) -> bool:
    return not gaps(stretches, first=first, last=last)


def touches(stretches: Sequence[Stretch], *, first: int, last: int) -> bool:
    """Does any stretch share a counter with first..last?"""
    return gaps(stretches, first=first, last=last) != [(first, last)]


def runs(counters: Iterable[int]) -> list[tuple[int, int]]:
    """The counters as stretches of neighbours, sorted; a counter that comes twice counts once."""
    found: list[tuple[int, int]] = []
    for n in sorted(set(counters)):
        if found and found[-1][1] == n - 1:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
    return found


def subtract(stretches: Iterable[Stretch], taken: Sequence[Stretch]) -> Stretches:
    """What of `stretches` lies outside `taken`; both are disjoint and sorted."""
    return tuple(
        replace(stretch, first=first, last=last)
        for stretch in stretches
        for first, last in gaps(taken, first=stretch.first, last=stretch.last)
    )


def total(stretches: Iterable[Stretch]) -> int:
    return sum(stretch.count for stretch in stretches)


def gaps(stretches: Sequence[Stretch], *, first: int, last: int) -> list[tuple[int, int]]:
    """The parts of first..last that no stretch covers."""
    found = []
    place = max(0, _position(stretches, first) - 1)
    while first <= last and place < len(stretches) and stretches[place].first <= last:
        stretch = stretches[place]
        if stretch.first > first:
            found.append((first, stretch.first - 1))
        first = max(first, stretch.last + 1)
        place += 1
    if first <= last:
        found.append((first, last))
    return found


def _position(stretches: Sequence[Stretch], n: int) -> int:
    return bisect_right(stretches, n, key=lambda stretch: stretch.first)
