"""What happens in the demo: who scanned which item, when and where. Decided by a seed and an instant alone; touches nothing.

Promises: the same seed, size and instant tell the same story; nothing in it happens after the instant. In it are a day and a week with
their rhythm, people who scan again, households, gifts, travellers, previews that nobody looked at, a lot of which a part is sold in
another distributor's territory, one code that was copied, counterfeits with altered serials, and items scanned before their release.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random  # noqa: TID251 - the type alone; kit.chance makes them
from typing import Final
from zoneinfo import ZoneInfo

from kit import chance as chances
from web.demo import cast, people, places
from web.demo.cast import LotCast
from web.demo.people import Household, Person, Town

ZONE: Final = ZoneInfo("Asia/Shanghai")
CODES_MIN: Final = 100
CODES_MAX: Final = 200_000
DAYS_MIN: Final = 2
DAYS_MAX: Final = 90
# Of the items that were released, so many have been bought and scanned at the end.
SCANNED_SHARE: Final = 0.76
ITEMS_PER_HOUSEHOLD: Final = 2.2
MEMBER_SHARE: Final = 0.05
_HOURS: Final = (8, 4, 2, 2, 2, 3, 8, 18, 28, 36, 42, 52, 62, 50, 40, 40, 46, 56, 74, 92, 100, 94, 62, 26)
_WEEKEND: Final = 1.4
_GROWTH: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """`rows` are counted from 1. The last `voided` of them were declared void before anything was shipped."""

    cast: LotCast
    gtin: str
    quantity: int
    shipped_at: datetime

    @property
    def voided(self) -> int:
        return min(self.cast.voided, self.quantity // 4)

    @property
    def released(self) -> bool:
        return bool(self.cast.dealers)

    def dealer_of(self, row: int) -> int:
        """Who received this item of a lot that was shipped item by item."""
        return self.cast.dealers[row % len(self.cast.dealers)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One scan. `altered`: the serial of this row with a character changed, under the number of the change. No district: no position."""

    at: datetime
    lot: int
    row: int
    altered: int
    visitor_id: str
    ip: str
    district: str
    browser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    person: Person
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Scans and members in the order of time."""

    starts_at: datetime
    ends_at: datetime
    lots: tuple[Lot, ...]
    scans: tuple[Told, ...]
    members: tuple[Member, ...]


def tell(*, seed: int, codes: int, days: int, ends_at: datetime) -> Story:
    teller = _Teller(chances.seeded(f"onemark demo {seed}"), codes=codes, days=days, ends_at=ends_at)
    teller.sell()
    teller.copy()
    teller.imitate()
    teller.stumble()
    scans = sorted(teller.scans, key=lambda told: (told.at, told.lot, told.row, told.visitor_id))
    return Story(starts_at=teller.starts_at, ends_at=ends_at, lots=teller.lots, scans=tuple(scans), members=teller.members())


class _Teller:
    def __init__(self, chance: Random, *, codes: int, days: int, ends_at: datetime) -> None:
        self._chance = chance
        self._codes = codes
        self._days = days
        self._ends_at = ends_at
        self.starts_at = ends_at - timedelta(days=days)
        self.lots = _lots(codes, starts_at=self.starts_at, days=days)
        self.scans: list[Told] = []
        self._town = Town(chance)
        self._elsewhere = self._town.households(places.EVERYWHERE, max(4, codes // 60))
        self._customers = [
            self._town.households(dealer.cities, self._customers_of(place)) for place, dealer in enumerate(cast.DEALERS)
        ]
        self._first_bought: dict[int, tuple[datetime, Person]] = {}
        self._copied: tuple[int, int] = (cast.COPIED_LOT, 1)

    def sell(self) -> None:
        """Every item that is bought, and who scans it afterwards."""
        for place, lot in enumerate(self.lots):
            if not lot.released:
                continue
            rows = range(1, lot.quantity - lot.voided + 1)
            for row in sorted(self._chance.sample(rows, round(len(rows) * SCANNED_SHARE))):
                self._item(place, lot, row)

    def copy(self) -> None:
        """One code, photographed and printed again: strangers scan it all over the country."""
        place, row = self._copied
        for _ in range(min(90, max(5, self._codes // 250))):
            self._scan(place, row, self._town.stranger(places.EVERYWHERE), self._moment(since=self._middle()))

    def imitate(self) -> None:
        """Labels with serials that nobody issued; most of them turn up in one district."""
        labels = [
            (self._chance.choice(cast.IMITATED_LOTS), self._chance.randrange(1, 20), number)
            for number in range(1, 3 + self._codes // 4000)
        ]
        for _ in range(max(3, self._codes // 130)):
            place, row, number = self._chance.choice(labels)
            near = [places.GUANGZHOU] if self._chance.random() < 0.6 else places.EVERYWHERE  # noqa: PLR2004
            self._scan(place, row, self._town.stranger(near), self._moment(since=self.starts_at), altered=number)

    def stumble(self) -> None:
        """Codes that should not be met: void ones, and some of the lot that is still in the warehouse."""
        for place, lot in enumerate(self.lots):
            met = range(lot.quantity - lot.voided + 1, lot.quantity + 1, 2)
            if not lot.released:
                met = range(1, 2 + self._codes // 2500)
            for row in met:
                self._scan(place, row, self._town.stranger([places.HANGZHOU]), self._moment(since=self._middle()))

    def members(self) -> tuple[Member, ...]:
        """Some of the buyers join, minutes after the first item that they scanned."""
        joined = [
            Member(person=person, joined_at=at + timedelta(seconds=self._chance.randrange(60, 240)))
            for _, (at, person) in sorted(self._first_bought.items())
            if self._chance.random() < MEMBER_SHARE
        ]
        joined.sort(key=lambda member: (member.joined_at, member.person.number))
        return tuple(member for member in joined if member.joined_at <= self._ends_at)

    def _item(self, place: int, lot: Lot, row: int) -> None:
        household = self._buyers(lot, row)
        buyer = self._chance.choice(household)
        at = self._moment(since=lot.shipped_at + timedelta(hours=20))
        self._scan(place, row, buyer, at)
        if buyer.number not in self._first_bought or at < self._first_bought[buyer.number][0]:
            self._first_bought[buyer.number] = (at, buyer)
        if self._chance.random() < 0.04:  # noqa: PLR2004
            self._preview(place, row, at)
        if self._chance.random() < 0.4:  # noqa: PLR2004
            self._again(place, row, buyer, at, after=timedelta(minutes=self._chance.randrange(1, 15)))
        if self._chance.random() < 0.3:  # noqa: PLR2004
            self._again(place, row, buyer, at, after=timedelta(hours=self._chance.randrange(8, 200)))
        for other in household:
            if other is not buyer and self._chance.random() < 0.35:  # noqa: PLR2004
                self._again(place, row, other, at, after=timedelta(minutes=self._chance.randrange(5, 4000)))
        if self._chance.random() < 0.05:  # noqa: PLR2004
            friend = self._chance.choice(self._chance.choice(self._elsewhere))
            self._again(place, row, friend, at, after=timedelta(hours=self._chance.randrange(20, 240)))

    def _buyers(self, lot: Lot, row: int) -> Household:
        dealer = lot.dealer_of(row) if lot.cast.by_serial else self._chance.choice(lot.cast.dealers)
        if self._chance.random() < lot.cast.diverted:
            dealer = lot.cast.diverted_to
        elif self._chance.random() < 0.03:  # noqa: PLR2004
            # A gift, or something bought on a journey and scanned at home.
            return self._chance.choice(self._elsewhere)
        # Some households buy much more often than others.
        customers = self._customers[dealer]
        return customers[int(len(customers) * self._chance.random() ** 1.7)]

    def _again(self, place: int, row: int, person: Person, at: datetime, *, after: timedelta) -> None:
        later = at + after + timedelta(seconds=self._chance.randrange(60))
        if later <= self._ends_at:
            self._scan(place, row, person, later)

    def _scan(self, place: int, row: int, person: Person, at: datetime, *, altered: int = 0) -> None:
        district = person.district
        if self._chance.random() < 0.035:  # noqa: PLR2004
            district = places.district(places.ELSEWHERE, self._chance)  # on a journey
        self.scans.append(
            Told(
                at=at,
                lot=place,
                row=row,
                altered=altered,
                visitor_id=person.visitor_id,
                ip=person.ip,
                district=district if person.shares_position else "",
                browser=person.browser,
            )
        )

    def _preview(self, place: int, row: int, at: datetime) -> None:
        """The address was sent to somebody, and their chat program looked first."""
        later = at + timedelta(seconds=self._chance.randrange(5, 50))
        if later <= self._ends_at:
            self.scans.append(
                Told(
                    at=later,
                    lot=place,
                    row=row,
                    altered=0,
                    visitor_id="",
                    ip=people.PREVIEW_IP,
                    district="",
                    browser=people.PREVIEW,
                )
            )

    def _moment(self, *, since: datetime) -> datetime:
        """Some instant between `since` and the end, as people scan: by day and hour, and more from week to week."""
        since = max(since, self.starts_at)
        first, last = since.astimezone(ZONE).date(), self._ends_at.astimezone(ZONE).date()
        on = [first + timedelta(days=day) for day in range((last - first).days + 1)]
        began = self.starts_at.astimezone(ZONE).date()
        weights = [
            (1 + _GROWTH * (day - began).days / self._days) * (_WEEKEND if day.weekday() > 4 else 1)  # noqa: PLR2004 - Friday
            for day in on
        ]
        day = self._chance.choices(on, weights=weights)[0]
        hour = self._chance.choices(range(24), weights=_HOURS)[0]
        at = datetime.combine(day, time(hour, self._chance.randrange(60), self._chance.randrange(60)), tzinfo=ZONE)
        if since <= at <= self._ends_at:
            return at.astimezone(since.tzinfo)
        # The first and the last day are not whole: any instant will do.
        return since + timedelta(seconds=self._chance.randrange(max(1, int((self._ends_at - since).total_seconds()))))

    def _middle(self) -> datetime:
        return self.starts_at + (self._ends_at - self.starts_at) / 2

    def _customers_of(self, dealer: int) -> int:
        items = sum(lot.quantity / len(lot.cast.dealers) for lot in self.lots if dealer in lot.cast.dealers)
        return max(3, round(items * SCANNED_SHARE / ITEMS_PER_HOUSEHOLD))


def _lots(codes: int, *, starts_at: datetime, days: int) -> tuple[Lot, ...]:
    sizes = [codes * lot.share // 1000 for lot in cast.LOTS]
    sizes[0] += codes - sum(sizes)
    return tuple(
        Lot(
            cast=lot,
            gtin=cast.PRODUCTS[lot.product].gtin,
            quantity=size,
            shipped_at=_shipped(place, starts_at=starts_at, days=days),
        )
        for place, (lot, size) in enumerate(zip(cast.LOTS, sizes, strict=True))
    )


def _shipped(place: int, *, starts_at: datetime, days: int) -> datetime:
    """One lot after the other: the first a week before the story starts, the last well before it ends."""
    return starts_at - timedelta(days=7) + timedelta(hours=place * (days + 7) * 24 // 18)
