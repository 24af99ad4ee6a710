from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from crm import lots
from crm.lots import Balance, Lot, PointsInsufficient, PointsOutOfRange

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def lot(number: int, points: int, *, activates_at: datetime = NOON, expires_at: datetime | None = None) -> Lot:
    return Lot(
        id=UUID(int=number), points_original=points, points_remaining=points, activates_at=activates_at, expires_at=expires_at
    )


def test_a_lot_counts_from_the_instant_it_activates_up_to_but_not_at_its_expiry() -> None:
    one = [lot(1, 10, activates_at=NOON, expires_at=NOON + DAY)]
    tick = timedelta(microseconds=1)
    assert lots.balance(one, at=NOON - tick) == Balance(pending=10, available=0, expired=0)
    assert lots.balance(one, at=NOON) == Balance(pending=0, available=10, expired=0)
    assert lots.balance(one, at=NOON + DAY - tick) == Balance(pending=0, available=10, expired=0)
    assert lots.balance(one, at=NOON + DAY) == Balance(pending=0, available=0, expired=10)


def test_what_expires_first_is_spent_first_and_what_never_expires_last() -> None:
    for_ever, late, soon = lot(1, 10), lot(2, 10, expires_at=NOON + 9 * DAY), lot(3, 10, expires_at=NOON + DAY)
    plan = lots.plan_spend([for_ever, late, soon], points=25, at=NOON)
    assert [(allocation.lot_id.int, allocation.points) for allocation in plan] == [(3, 10), (2, 10), (1, 5)]


def test_of_two_lots_that_expire_together_the_one_active_longer_goes_first() -> None:
    younger, older = lot(1, 5, activates_at=NOON - DAY), lot(2, 5, activates_at=NOON - 2 * DAY)
    assert [allocation.lot_id.int for allocation in lots.plan_spend([younger, older], points=6, at=NOON)] == [2, 1]


def test_a_spend_beyond_what_is_available_takes_nothing_and_says_how_much_there_is() -> None:
    mixed = [lot(1, 5), lot(2, 5, activates_at=NOON + DAY), lot(3, 5, activates_at=NOON - 2 * DAY, expires_at=NOON)]
    with pytest.raises(PointsInsufficient) as refused:
        lots.plan_spend(mixed, points=6, at=NOON)
    assert refused.value.data == {"points": 6, "available": 5}


@pytest.mark.parametrize("points", [0, -1, lots.POINTS_PER_TRANSFER_MAX + 1])
def test_a_movement_of_no_points_or_of_too_many_is_refused(points: int) -> None:
    with pytest.raises(PointsOutOfRange):
        lots.checked_points(points)


@pytest.mark.parametrize(
    ("activates_at", "valid_days", "zone", "expires_at"),
    [
        # 20:00 in Shanghai on the 22nd: valid through the 23rd, whatever the hour.
        (NOON, 1, SHANGHAI, datetime(2026, 11, 23, 16, tzinfo=UTC)),
        # 01:00 in Shanghai on the 23rd already.
        (datetime(2026, 11, 22, 17, tzinfo=UTC), 1, SHANGHAI, datetime(2026, 11, 24, 16, tzinfo=UTC)),
        # Summer time ends in between: the day has 25 hours and all of them count.
        (datetime(2026, 10, 24, 12, tzinfo=UTC), 1, ZoneInfo("Europe/Berlin"), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (datetime(2028, 2, 28, 12, tzinfo=UTC), 1, ZoneInfo("UTC"), datetime(2028, 3, 1, tzinfo=UTC)),
        (NOON, None, SHANGHAI, None),
    ],
)
def test_points_are_valid_through_the_whole_last_day_of_the_brands_calendar(
    activates_at: datetime, valid_days: int | None, zone: ZoneInfo, expires_at: datetime | None
) -> None:
    assert lots.expiry(activates_at, valid_days=valid_days, zone=zone) == expires_at


@given(points=st.lists(st.integers(1, 50), min_size=1, max_size=8), asked=st.integers(1, 400))
def test_a_plan_takes_exactly_what_was_asked_and_never_more_than_a_lot_holds(points: list[int], asked: int) -> None:
    held = [lot(number, size, expires_at=NOON + number * DAY) for number, size in enumerate(points, start=1)]
    if asked > sum(points):
        with pytest.raises(PointsInsufficient):
            lots.plan_spend(held, points=asked, at=NOON)
        return
    plan = lots.plan_spend(held, points=asked, at=NOON)
    by_id = {one.id: one.points_remaining for one in held}
    assert sum(allocation.points for allocation in plan) == asked
    assert all(0 < allocation.points <= by_id[allocation.lot_id] for allocation in plan)
    assert len({allocation.lot_id for allocation in plan}) == len(plan)


class LotsMachine(RuleBasedStateMachine):
    """Lots against single points: each point of the model is one row that knows its own life, moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.numbers = count(1)
        self.held: dict[UUID, Lot] = {}
        self.taken: dict[UUID, int] = {}
        self.singles: list[tuple[datetime, datetime, int]] = []
        self.booked = 0
        self.earned = self.spent = 0

    @rule(points=st.integers(1, 30), delay=st.integers(0, 3), days=st.none() | st.integers(1, 6))
    def earn(self, points: int, delay: int, days: int | None) -> None:
        activates_at = self.now + delay * DAY
        one = lot(
            next(self.numbers), points, activates_at=activates_at, expires_at=None if days is None else activates_at + days * DAY
        )
        self.held[one.id] = one
        self.taken[one.id] = 0
        never = datetime.max.replace(tzinfo=UTC)
        self.singles += [(one.expires_at or never, one.activates_at, one.id.int)] * points
        self.earned += points

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(points=st.integers(1, 60))
    def spend(self, points: int) -> None:
        usable = sorted(single for single in self.singles if single[1] <= self.now < single[0])
        if len(usable) < points:
            with pytest.raises(PointsInsufficient):
                lots.plan_spend(self.held.values(), points=points, at=self.now)
            return
        for allocation in lots.plan_spend(self.held.values(), points=points, at=self.now):
            self._take(allocation.lot_id, allocation.points)
        for single in usable[:points]:
            self.singles.remove(single)
        self.spent += points

    @rule()
    def book_expiries(self) -> None:
        for allocation in lots.due(self.held.values(), at=self.now):
            self._take(allocation.lot_id, allocation.points)
            self.booked += allocation.points
        self.singles = [single for single in self.singles if self.now < single[0]]
        assert lots.due(self.held.values(), at=self.now) == ()

    def _take(self, lot_id: UUID, points: int) -> None:
        old = self.held[lot_id]
        self.taken[lot_id] += points
        self.held[lot_id] = Lot(
            id=lot_id,
            points_original=old.points_original,
            points_remaining=old.points_remaining - points,
            activates_at=old.activates_at,
            expires_at=old.expires_at,
        )

    @invariant()
    def lots_and_single_points_agree(self) -> None:
        assert lots.balance(self.held.values(), at=self.now) == Balance(
            pending=sum(self.now < single[1] for single in self.singles),
            available=sum(single[1] <= self.now < single[0] for single in self.singles),
            expired=sum(single[0] <= self.now for single in self.singles),
        )

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        for one in self.held.values():
            assert one.points_original == one.points_remaining + self.taken[one.id]
            assert one.points_remaining >= 0
        assert self.earned == sum(one.points_remaining for one in self.held.values()) + self.spent + self.booked


def test_any_sequence_of_earns_spends_and_expiries_keeps_every_point_accounted_for() -> None:
    run_state_machine_as_test(LotsMachine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))


@pytest.mark.prove
def test_a_long_life_of_lots_keeps_every_point_accounted_for() -> None:
    run_state_machine_as_test(LotsMachine, settings=settings(max_examples=1000, stateful_step_count=100, deadline=None))
