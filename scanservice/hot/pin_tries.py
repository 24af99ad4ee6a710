"""How often a PIN may be tried: a pure rule, which the Redis function follows too (functions.lua).

Three limits stand one behind the other; a try counts only where all of them let it through, and only a wrong one is counted:

- *each visitor* of a code has FREE_TRIES wrong tries, then waits WAITS_S between them, longer each time, at last a day;
- *the code* has a bucket for everybody (`open`: 20 tries, one more every six hours), and one for the network of its first visitor
  (`home`: 5, one more a day). Who was among the first six to confirm the code (`known`) is bound by their own waits alone;
- *each address block* has a bucket over all codes.

So nobody can lock out a visitor whom the code knows, nor the first visitor's home, however much they try elsewhere, and nobody is locked out for
good: whatever is spent comes back. With PIN_DIGITS = 6 a try finds the PIN with odds of one in a million; a month of everything a code
allows is `tries_a_month()` (docs/decisions/0016 has the figures).

Promises: the same tries in the order of their times leave the same bytes as the function. Times count seconds since 2020-01-01Z.
"""

from collections.abc import Iterable
from enum import StrEnum
from struct import Struct
from typing import Final

import msgspec

from scanservice.hot import state
from scanservice.hot.state import State

FREE_TRIES: Final = 3
WAITS_S: Final = (60, 600, 3600, 6 * 3600)
WAIT_S_MAX: Final = 24 * 3600
KEPT_S: Final = 30 * 24 * 3600
WRONG_MAX: Final = 255
ADDRESS_TRIES: Final = 30
ADDRESS_REFILL_S: Final = 120
_TAT: Final = Struct(">I")
_TRIED: Final = Struct(">BI")
_VISITOR_FIELD: Final = b"v"


class Lane(StrEnum):
    """Which allowance of the code a try is taken from."""

    KNOWN = "known"
    HOME = "home"
    OPEN = "open"


class Outcome(StrEnum):
    WRONG = "wrong"
    RIGHT = "right"
    LOCKED = "locked"


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """`capacity` tries at once, and one more every `refill_s`; kept as the time at which it is full again (GCRA)."""

    field: bytes
    capacity: int
    refill_s: int

    def opens_at_s(self, full_at_s: int) -> int:
        return full_at_s - (self.capacity - 1) * self.refill_s

    def spent(self, full_at_s: int, *, at_s: int) -> int:
        return max(full_at_s, at_s) + self.refill_s


BUCKETS: Final = {
    Lane.HOME: Bucket(field=b"h", capacity=5, refill_s=24 * 3600),
    Lane.OPEN: Bucket(field=b"o", capacity=20, refill_s=6 * 3600),
}


class Try(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    at_s: int
    visitor: bytes
    lane: Lane
    right: bool


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a code: when each bucket is full again, and wrong tries in a row with the time of the last, by visitor."""

    full_at_s: dict[Lane, int] = {}
    wrong: dict[bytes, tuple[int, int]] = {}

    def opens_at_s(self, visitor: bytes, lane: Lane, *, at_s: int) -> int:
        """When this visitor's next try is let through; `at_s` or before: now."""
        count, last_s = self.wrong_of(visitor, at_s=at_s)
        opens = last_s + wait_s(count) if count >= FREE_TRIES else 0
        bucket = BUCKETS.get(lane)
        return opens if bucket is None else max(opens, bucket.opens_at_s(self.full_at_s.get(lane, 0)))

    def wrong_of(self, visitor: bytes, *, at_s: int) -> tuple[int, int]:
        count, last_s = self.wrong.get(visitor, (0, 0))
        return (0, 0) if at_s - last_s >= KEPT_S else (count, last_s)

    def after(self, tried: Try) -> "Tries":
        """The caller has asked `opens_at_s`."""
        wrong = dict(self.wrong)
        if tried.right:
            wrong.pop(tried.visitor, None)
            return Tries(full_at_s=self.full_at_s, wrong=wrong)
        count, _ = self.wrong_of(tried.visitor, at_s=tried.at_s)
        wrong[tried.visitor] = (min(count + 1, WRONG_MAX), tried.at_s)
        bucket = BUCKETS.get(tried.lane)
        if bucket is None:
            return Tries(full_at_s=self.full_at_s, wrong=wrong)
        spent = bucket.spent(self.full_at_s.get(tried.lane, 0), at_s=tried.at_s)
        return Tries(full_at_s={**self.full_at_s, tried.lane: spent}, wrong=wrong)


NO_TRIES: Final = Tries()


def wait_s(wrong: int) -> int:
    """How long a visitor waits after so many wrong tries in a row."""
    if wrong < FREE_TRIES:
        return 0
    place = wrong - FREE_TRIES
    return WAITS_S[place] if place < len(WAITS_S) else WAIT_S_MAX


def lane_of(known: State | None, *, visitor: bytes, whence: bytes) -> Lane:
    slots = () if known is None else known.slots
    if any(slot.visitor == visitor for slot in slots):
        return Lane.KNOWN
    network = whence[: state.NETWORK_BYTES]
    if slots and slots[0].whence[: state.NETWORK_BYTES] == network != state.NETWORK_NONE:
        return Lane.HOME
    return Lane.OPEN


def fold(tries: Iterable[Try]) -> Tries:
    """After these tries, in the order of their times: for a rebuild."""
    found = NO_TRIES
    for tried in tries:
        found = found.after(tried)
    return found


def packed(tries: Tries) -> dict[bytes, bytes]:
    """The fields of the hash that the Redis function keeps."""
    fields = {BUCKETS[lane].field: _TAT.pack(at_s) for lane, at_s in tries.full_at_s.items()}
    return fields | {_VISITOR_FIELD + visitor: _TRIED.pack(*wrong) for visitor, wrong in tries.wrong.items()}


def tries_a_month() -> dict[Lane, int]:
    """The most wrong tries that a code lets through in 30 days from rest, by lane: what attackers with any number of phones get."""
    of_one, at_s = 0, 0
    while at_s < KEPT_S:
        of_one += 1
        at_s += wait_s(of_one)
    return {
        Lane.KNOWN: of_one * state.VISITORS_MAX,
        **{lane: bucket.capacity + (KEPT_S - 1) // bucket.refill_s for lane, bucket in BUCKETS.items()},
    }
