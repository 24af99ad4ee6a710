"""Points as lots: what is pending, spendable or over at an instant, and which lots a spend takes from. Pure: no database.

Promises: whole numbers only; a lot counts in the half-open interval [activates_at, expires_at), whether or not anybody has booked
its expiry yet; a spend takes what expires first and is all or nothing. Refuses to take more than is available.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from kit.refusals import Conflict, Invalid

# Sums of lots stay far inside a bigint, however many there are.
POINTS_PER_TRANSFER_MAX = 10**12
VALID_DAYS_MAX = 36_500
_NEVER = datetime.max.replace(tzinfo=UTC)


class PointsOutOfRange(Invalid):
    code: ClassVar[str] = "points_out_of_range"
    says: ClassVar[str] = "A movement is of 1 to {points_max} points, not of {points}."


class PointsInsufficient(Conflict):
    code: ClassVar[str] = "points_insufficient"
    says: ClassVar[str] = "{points} points were asked for and {available} are available."


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Points of one earn. `expires_at` None: they never expire."""

    id: UUID
    points_original: int
    points_remaining: int
    activates_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Sums at one instant. `expired` is what ran out and is not yet booked as an expiry."""

    pending: int
    available: int
    expired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    lot_id: UUID
    points: int


def checked_points(points: int) -> int:
    if not 1 <= points <= POINTS_PER_TRANSFER_MAX:
        raise PointsOutOfRange(points=points, points_max=POINTS_PER_TRANSFER_MAX)
    return points


def is_available(lot: Lot, *, at: datetime) -> bool:
    return lot.activates_at <= at and not is_over(lot, at=at)


def is_over(lot: Lot, *, at: datetime) -> bool:
    return lot.expires_at is not None and lot.expires_at <= at


def balance(lots: Iterable[Lot], *, at: datetime) -> Balance:
    pending = available = expired = 0
    for lot in lots:
        if is_over(lot, at=at):
            expired += lot.points_remaining
        elif lot.activates_at <= at:
            available += lot.points_remaining
        else:
            pending += lot.points_remaining
    return Balance(pending=pending, available=available, expired=expired)


def spend_order(lot: Lot) -> tuple[datetime, datetime, UUID]:
    """What expires first is spent first, what never expires last; then by activation, then by id, so that it is one order."""
    return (lot.expires_at or _NEVER, lot.activates_at, lot.id)


def plan_spend(lots: Iterable[Lot], *, points: int, at: datetime) -> tuple[Allocation, ...]:
    """From which lots `points` are taken at `at`: exactly that many, or a refusal."""
    open_lots = sorted((lot for lot in lots if lot.points_remaining and is_available(lot, at=at)), key=spend_order)
    available = sum(lot.points_remaining for lot in open_lots)
    if available < checked_points(points):
        raise PointsInsufficient(points=points, available=available)
    return tuple(_fill(open_lots, points))


def _fill(open_lots: Sequence[Lot], points: int) -> Iterable[Allocation]:
    missing = points
    for lot in open_lots:
        if not missing:
            return
        taken = min(missing, lot.points_remaining)
        missing -= taken
        yield Allocation(lot_id=lot.id, points=taken)


def due(lots: Iterable[Lot], *, at: datetime) -> tuple[Allocation, ...]:
    """What the expiry sweep has to book at `at`."""
    return tuple(
        Allocation(lot_id=lot.id, points=lot.points_remaining) for lot in lots if lot.points_remaining and is_over(lot, at=at)
    )


def expiry(activates_at: datetime, *, valid_days: int | None, zone: ZoneInfo) -> datetime | None:
    """The instant after the last valid day in the calendar of `zone`: people are told a day, and have all of it."""
    if valid_days is None:
        return None
    first_day_after = activates_at.astimezone(zone).date() + timedelta(days=valid_days + 1)
    return datetime.combine(first_day_after, time.min, tzinfo=zone).astimezone(UTC)
