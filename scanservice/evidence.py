"""How likely is it that copies of a code circulate? The evidence of all who confirmed it, weighed, in decibans.

A deciban is a tenth of a power of ten of odds (I. J. Good, 1950): 0 means even odds, +10 ten to one. The score starts at the odds
that any code is copied at all, and each finding adds ten times the logarithm of how much likelier it is where copies circulate than
where one genuine item is passed on:

- a further stranger: common among copies; among genuine items as common as the product's own `stranger_rate_pm` says (a gift box
  goes round, a bottle is opened at a table, a spare part is scanned once);
- strangers in one region within hours speak for one item on one table, and take back most of that;
- strangers in regions too far apart for the time between speak strongly against one item: addresses mislead too, so not beyond measure;
- other regions with time enough, and the same region days later, speak a little, either way.

Promises: the outcome is a pure function of the visitors before and this one; nothing here counts one phone twice, and no number of
guests at one table makes a copy. Refuses nothing: where places are unknown they say nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import log10
from typing import Final

import msgspec

from scanservice import places
from scanservice.hot.state import NETWORK_BYTES, Slot

# One code in a thousand has copies, before anything is known of it.
PRIOR_DB: Final = -30.0
STRANGER_RATE_PM: Final = 50
STRANGER_RATE_PM_MIN: Final = 10
STRANGER_RATE_PM_MAX: Final = 500
SUSPECT_AT_DB: Final = 0
SUSPECT_AT_DB_MIN: Final = -20
SUSPECT_AT_DB_MAX: Final = 60
GATHERING_MIN: Final = 6 * 60
# A scheduled flight, door to door it is slower.
SPEED_KMH_MAX: Final = 900.0
WEIGHTS_KEPT: Final = 1 << 10

_STRANGER_AMONG_COPIES: Final = 0.6
# (how often among copies, how often among genuine items) that two strangers stand so to each other.
_TOGETHER: Final = (0.1, 0.7)
_UNREACHABLE: Final = (0.5, 0.02)
_ELSEWHERE: Final = (0.8, 0.3)
_NEARBY_LATER: Final = (0.3, 0.6)


class Weights(msgspec.Struct, frozen=True, gc=False):
    """A product's own: how many of a thousand genuine items meet one more stranger, and the odds at which its buyers are warned."""

    stranger_rate_pm: int = STRANGER_RATE_PM
    suspect_at_db: int = SUSPECT_AT_DB


USUAL: Final = Weights()


class Weighed(msgspec.Struct, frozen=True, gc=False):
    """The score, and what of it can be told in words."""

    score_db: float
    strangers: int
    regions: int
    together: int
    unreachable: int


@lru_cache(maxsize=WEIGHTS_KEPT)
def weights(stranger_rate_pm: int, suspect_at_db: int) -> Weights:
    return Weights(stranger_rate_pm, suspect_at_db)


def weigh(strangers: Sequence[Slot], *, whence: bytes, at_min: int, rate_pm: int) -> Weighed:
    """`strangers` in the order in which they came; `whence` and `at_min` are of the scan that is judged."""
    score_db = PRIOR_DB + len(strangers) * _db(_STRANGER_AMONG_COPIES, rate_pm / 1000)
    here = Slot(visitor=b"", whence=whence, first_min=at_min, last_min=at_min)
    together = unreachable = 0
    for one, other in pairwise((*strangers, here)):
        chances = _between(one, other)
        if chances is not None:
            score_db += _db(*chances)
            together += chances is _TOGETHER
            unreachable += chances is _UNREACHABLE
    regions = {place for slot in (*strangers, here) if (place := slot.whence[NETWORK_BYTES:]) != places.UNKNOWN}
    return Weighed(score_db=score_db, strangers=len(strangers), regions=len(regions), together=together, unreachable=unreachable)


def _between(one: Slot, other: Slot) -> tuple[float, float] | None:
    apart_km = places.apart_km(one.whence[NETWORK_BYTES:], other.whence[NETWORK_BYTES:])
    if apart_km is None:
        return None
    # The shortest time in which one item must have gone from one to the other, or back.
    minutes = min(abs(here - there) for here in (one.first_min, one.last_min) for there in (other.first_min, other.last_min))
    if apart_km == 0:
        return _TOGETHER if minutes <= GATHERING_MIN else _NEARBY_LATER
    return _UNREACHABLE if apart_km > SPEED_KMH_MAX * minutes / 60 else _ELSEWHERE


def _db(among_copies: float, among_genuine: float) -> float:
    return 10 * log10(among_copies / among_genuine)
