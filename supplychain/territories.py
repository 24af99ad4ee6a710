"""Where goods were scanned, measured against a territory: inside, outside, or not known. Pure.

Promises: every scan is counted in exactly one of the three. Refuses to call a scan foreign without grounds: a scan without a position
is unknown, and so is every scan of a distributor who has no territory.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from supplychain import geography


class Place(StrEnum):
    INSIDE = "inside"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DivisionShare:
    division: str
    place: Place
    scans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TerritorySplit:
    """`shares` from the most scanned division to the least."""

    inside: int
    outside: int
    unknown: int
    shares: tuple[DivisionShare, ...]

    @property
    def scans(self) -> int:
        return self.inside + self.outside + self.unknown


def place(division: str, territory: Collection[str]) -> Place:
    if not division or not territory:
        return Place.UNKNOWN
    return Place.INSIDE if any(geography.covers(part, division) for part in territory) else Place.OUTSIDE


def split(scans: Mapping[str, int], *, territory: Collection[str]) -> TerritorySplit:
    """`scans` counts by division ('' where the position is not known)."""
    shares = [
        DivisionShare(division=division, place=place(division, territory), scans=count) for division, count in scans.items()
    ]
    shares.sort(key=lambda share: (-share.scans, share.division))
    return TerritorySplit(
        inside=_total(shares, Place.INSIDE),
        outside=_total(shares, Place.OUTSIDE),
        unknown=_total(shares, Place.UNKNOWN),
        shares=tuple(shares),
    )


def _total(shares: Collection[DivisionShare], where: Place) -> int:
    return sum(share.scans for share in shares if share.place is where)
