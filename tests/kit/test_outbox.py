"""The outbox: told after the commit, never without one, once for each entry, and again after a crash."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from kit import outbox
from kit.clock import FixedClock
from kit.db import transaction
from kit.outbox import OutboxEntry
from tests.conftest import Brand, Database


class Told:
    """Remembers which entries a worker was told of."""

    def __init__(self, *, broken: bool = False) -> None:
        self.ids: list[UUID] = []
        self._broken = broken

    def __call__(self, *, tenant_id: int, entry_id: UUID) -> None:
        del tenant_id
        if self._broken:
            raise ConnectionError("the queue is away")
        self.ids.append(entry_id)


def put(database: Database, brand: Brand, clock: FixedClock, told: Told) -> UUID:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        entry_id = outbox.put(
            session, tenant_id=brand.tenant_id, topic="greet", payload={"name": "Alice"}, now=clock.now(), enqueue=told
        )
        assert told.ids == []
    return entry_id


def test_a_worker_is_told_after_the_commit(database: Database, brand: Brand, clock: FixedClock) -> None:
    told = Told()
    assert put(database, brand, clock, told) == told.ids[0]


def test_a_rollback_tells_nobody_and_leaves_nothing(database: Database, brand: Brand, clock: FixedClock) -> None:
    told = Told()

    def fail_after_writing() -> None:
        with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
            outbox.put(session, tenant_id=brand.tenant_id, topic="greet", payload={}, now=clock.now(), enqueue=told)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()
    assert told.ids == []
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        assert outbox.waiting(session, tenant_id=brand.tenant_id, now=clock.advance(timedelta(days=1))) == []


def test_an_absent_queue_does_not_undo_the_commit_and_the_sweep_finds_the_entry(
    database: Database, brand: Brand, clock: FixedClock
) -> None:
    entry_id = put(database, brand, clock, Told(broken=True))
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        assert outbox.waiting(session, tenant_id=brand.tenant_id, now=clock.now()) == []
        late = clock.advance(outbox.SWEEP_AFTER + timedelta(seconds=1))
        assert outbox.waiting(session, tenant_id=brand.tenant_id, now=late) == [entry_id]


def test_an_entry_is_delivered_once(database: Database, brand: Brand, clock: FixedClock) -> None:
    entry_id = put(database, brand, clock, Told())
    greeted: list[str] = []

    def greet(_session: Session, entry: OutboxEntry) -> None:
        greeted.append(entry.payload["name"])

    for expected in (True, False):
        with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
            assert expected is outbox.deliver(
                session, tenant_id=brand.tenant_id, entry_id=entry_id, handlers={"greet": greet}, now=clock.now()
            )
    assert greeted == ["Alice"]


def test_a_failed_delivery_is_noted_and_tried_a_limited_number_of_times(
    database: Database, brand: Brand, clock: FixedClock
) -> None:
    entry_id = put(database, brand, clock, Told())
    late = clock.advance(timedelta(hours=1))
    for _ in range(outbox.ATTEMPTS_MAX):
        with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
            assert outbox.waiting(session, tenant_id=brand.tenant_id, now=late) == [entry_id]
            outbox.note_failure(session, tenant_id=brand.tenant_id, entry_id=entry_id, error="no route" * 200)
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        assert outbox.waiting(session, tenant_id=brand.tenant_id, now=late) == []


def test_another_brand_delivers_nothing_of_this_one(
    database: Database, brand: Brand, other_brand: Brand, clock: FixedClock
) -> None:
    entry_id = put(database, brand, clock, Told())
    with transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session:
        assert not outbox.deliver(session, tenant_id=brand.tenant_id, entry_id=entry_id, handlers={}, now=clock.now())
