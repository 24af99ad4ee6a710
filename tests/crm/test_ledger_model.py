"""The ledger in the database against a model of single points, through sequences that Hypothesis invents."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from crm import ledger
from crm.lots import Balance, PointsInsufficient
from crm.transfers import Transfer
from kit.db import transaction
from tests.conftest import NOW, Database, make_brand
from tests.crm.conftest import ALICE_PHONE, make_member

DAY = timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)
QUICK = settings(max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(QUICK, max_examples=200, stateful_step_count=60)


class LedgerMachine(RuleBasedStateMachine):
    """Each point of the model is a pair: from when, until when. Every command is sent twice, the second time a little later."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        brand = make_brand(database.app_engine)
        self.member = make_member(database, brand, ALICE_PHONE)
        self.opened = partial(transaction, database.app_engine, tenant_id=brand.tenant_id)
        self.now = NOW
        self.commands = 0
        self.singles: list[tuple[datetime, datetime]] = []
        self.shown: list[tuple[datetime, int]] = []

    def send(self, verb: Any, *, points: int, **more: Any) -> Transfer:
        self.commands += 1
        whole = {"tenant_id": self.member.tenant_id, "consumer_id": self.member.id, "points": points, "actor": "model", **more}
        key = f"command:{self.commands}"
        with self.opened() as session:
            first: Transfer = verb(session, natural_key=key, now=self.now, **whole)
        with self.opened() as session:
            assert verb(session, natural_key=key, now=self.now + timedelta(seconds=1), **whole) == first
        return first

    def sorted_usable(self) -> list[tuple[datetime, datetime]]:
        return sorted((single for single in self.singles if single[0] <= self.now < single[1]), key=lambda single: single[::-1])

    @rule(points=st.integers(1, 20), delay=st.integers(0, 2), days=st.none() | st.integers(1, 4))
    def earn(self, points: int, delay: int, days: int | None) -> None:
        activates_at = self.now + delay * DAY
        expires_at = None if days is None else activates_at + days * DAY
        self.send(ledger.earn, points=points, activates_at=activates_at, expires_at=expires_at)
        self.singles += [(activates_at, expires_at or NEVER)] * points

    @rule(points=st.integers(1, 40))
    def spend(self, points: int) -> None:
        usable = self.sorted_usable()
        if points > len(usable):
            with pytest.raises(PointsInsufficient):
                self.send(ledger.spend, points=points)
            return
        self.send(ledger.spend, points=points)
        for single in usable[:points]:
            self.singles.remove(single)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.shown.append((self.now, len(self.sorted_usable())))
        self.now += timedelta(hours=hours)

    @rule()
    def book_expiries(self) -> None:
        with self.opened() as session:
            ledger.expire_due(session, tenant_id=self.member.tenant_id, now=self.now)
        self.singles = [single for single in self.singles if self.now < single[1]]

    @invariant()
    def balances_are_those_of_the_model(self) -> None:
        with self.opened() as session:
            balance = ledger.balance(session, tenant_id=self.member.tenant_id, consumer_id=self.member.id, at=self.now)
        assert balance == Balance(
            pending=sum(self.now < since for since, _ in self.singles),
            available=len(self.sorted_usable()),
            expired=sum(until <= self.now for _, until in self.singles),
        )

    @invariant()
    def lots_allocations_and_entries_agree(self) -> None:
        with self.opened() as session:
            torn = session.scalar(
                text(
                    "SELECT count(*) FROM point_lot l WHERE points_original <> points_remaining + "
                    "(SELECT coalesce(sum(points), 0) FROM lot_allocation WHERE lot_id = l.id)"
                )
            )
            owned, house = session.execute(
                text(
                    "SELECT coalesce(sum(points) FILTER (WHERE house IS NULL), 0), "
                    "coalesce(sum(points) FILTER (WHERE house IS NOT NULL), 0) "
                    "FROM point_entry JOIN point_account a ON a.id = account_id"
                )
            ).one()
        assert (torn, owned, house) == (0, len(self.singles), -len(self.singles))

    def teardown(self) -> None:
        with self.opened() as session:
            for at, available in self.shown:
                balance = ledger.balance(session, tenant_id=self.member.tenant_id, consumer_id=self.member.id, at=at)
                assert balance.available == available


def bound(database: Database) -> type[LedgerMachine]:
    class Bound(LedgerMachine):
        def __init__(self) -> None:
            super().__init__(database)

    return Bound


def test_the_ledger_behaves_like_single_points_whatever_is_done_to_it(database: Database) -> None:
    run_state_machine_as_test(bound(database), settings=QUICK)


@pytest.mark.prove
def test_the_ledger_behaves_like_single_points_for_long(database: Database) -> None:
    run_state_machine_as_test(bound(database), settings=LONG)
