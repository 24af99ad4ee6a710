"""Scans by division as a distributor may see them: in their territory, outside, or at a place that is not known. Pure.

Promises: whether a scan lies inside is decided at the finest division that is known, before divisions are gathered into cities or
provinces, so that no total changes with the level. Refuses to show a number so small that it could point at a person: outside the
territory, where a distributor has no business of their own, fewer than FEW_BELOW scans are only "a few", and where the totals would tell
how many, nobody is told where.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scanservice.goods import Counted
from scanservice.verdicts import Verdict
from supplychain import geography, territories
from supplychain.territories import Place

FEW_BELOW = 3
# What is a city and a province in one: its districts gather into itself.
MUNICIPALITIES = frozenset({"110000", "120000", "310000", "500000", "710000", "810000", "820000"})
_ORDER = {Place.OUTSIDE: 0, Place.INSIDE: 0, Place.UNKNOWN: 1}


class Level(StrEnum):
    PROVINCE = "province"
    CITY = "city"
    DISTRICT = "district"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`few`: there are some, and how many is not shown; without a division, not even where."""

    division: str
    place: Place
    scans: int
    few: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Rows from the most scanned division to the least; the few and the unknown come last. `suspect`: of codes scanned by many strangers."""

    inside: int
    outside: int
    unknown: int
    suspect_outside: int
    rows: tuple[Row, ...]

    @property
    def scans(self) -> int:
        return self.inside + self.outside + self.unknown

    @property
    def known(self) -> int:
        return self.inside + self.outside

    @property
    def inside_percent(self) -> int | None:
        """Of the scans whose place is known; None where no place is."""
        return round(100 * self.inside / self.known) if self.known else None

    @property
    def scans_max(self) -> int:
        """Of the divisions that are known: what is not known has no bar, and would dwarf the others."""
        return max((row.scans for row in self.rows if row.division), default=1)

    def shows(self, division: str, place: Place) -> bool:
        """Whether a single scan there may be shown with its division."""
        return any(row.division == division and row.place is place and not row.few for row in self.rows)


def spread(counted: Iterable[Counted], *, territory: Collection[str], level: Level) -> Spread:
    scans: dict[str, int] = {}
    suspect_outside = 0
    for one in counted:
        scans[one.division] = scans.get(one.division, 0) + one.scans
        if one.verdict is Verdict.SUSPECT and territories.place(one.division, territory) is Place.OUTSIDE:
            suspect_outside += one.scans
    split = territories.split(scans, territory=territory)
    gathered: dict[tuple[Place, str], int] = {}
    for share in split.shares:
        key = (share.place, gather(share.division, level))
        gathered[key] = gathered.get(key, 0) + share.scans
    return Spread(
        inside=split.inside,
        outside=split.outside,
        unknown=split.unknown,
        suspect_outside=suspect_outside,
        rows=_rows(gathered),
    )


def gather(division: str, level: Level) -> str:
    """The city or province that a division lies in. A county that no city heads stands for itself among the cities."""
    if level is Level.DISTRICT or not division:
        return division
    province = geography.province(division) or geography.parent(division) or division
    if level is Level.PROVINCE or province in MUNICIPALITIES:
        return province
    above = geography.parent(division)
    return division if above in {"", province} else above


def _rows(gathered: Mapping[tuple[Place, str], int]) -> tuple[Row, ...]:
    rows = [
        Row(division=division, place=place, scans=scans, few=_is_few(place, division, scans))
        for (place, division), scans in gathered.items()
    ]
    few = [row for row in rows if row.few]
    if len(few) == 1 or sum(row.scans for row in few) < FEW_BELOW:
        # The total outside, less what is shown, is their number: so their names are not shown either.
        rows = [row for row in rows if not row.few] + [Row(division="", place=row.place, scans=0, few=True) for row in few[:1]]
    # Among the few the order must not tell one from two.
    rows.sort(key=lambda row: (_ORDER[row.place] or not row.division, row.few, 0 if row.few else -row.scans, row.division))
    return tuple(rows)


def _is_few(place: Place, division: str, scans: int) -> bool:
    return place is not Place.INSIDE and bool(division) and scans < FEW_BELOW
