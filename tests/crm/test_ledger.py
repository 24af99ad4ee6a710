from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crm import ledger, pages
from crm.ledger import ValidityInvalid
from crm.lots import Balance, PointsInsufficient, PointsOutOfRange
from crm.transfers import TransferDiffers
from kit.db import transaction
from kit.refusals import Refusal
from tests.conftest import NOW, Database
from tests.crm.conftest import Member, Open

DAY = timedelta(days=1)


def at_once(workers: int, work: Callable[[int], object]) -> list[object]:
    """What `workers` threads get who all do `work` at the same time: an answer or a refusal each."""

    def one(number: int) -> object:
        try:
            return work(number)
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(workers)))


def available(opened: Open, member: Member) -> int:
    with opened() as session:
        return ledger.balance(session, tenant_id=member.tenant_id, consumer_id=member.id, at=NOW).available


def test_earned_points_are_in_the_balance_and_the_house_has_issued_them(opened: Open, alice: Member, bob: Member) -> None:
    with opened() as session:
        give = partial(ledger.earn, session, tenant_id=alice.tenant_id, actor="test", now=NOW)
        give(consumer_id=bob.id, points=7, natural_key="noise")
        earned = give(consumer_id=alice.id, points=10, natural_key="k", expires_at=NOW + DAY, facts={"gtin": "1"})
        assert ledger.transfer(session, tenant_id=alice.tenant_id, transfer_id=earned.id) == earned
        assert ledger.transfer(session, tenant_id=alice.tenant_id, transfer_id=alice.id) is None
    assert (earned.points, earned.facts, earned.expires_at) == (10, {"gtin": "1"}, NOW + DAY)
    assert available(opened, alice) == 10
    with opened() as session:
        sides = session.execute(text("SELECT house, points FROM point_entry JOIN point_account a ON a.id = account_id")).all()
    assert sorted((house or "", points) for house, points in sides) == [("", 7), ("", 10), ("issued", -10), ("issued", -7)]


def test_the_same_earn_again_gives_the_first_answer_and_no_second_lot(opened: Open, alice: Member) -> None:
    give = partial(ledger.earn, tenant_id=alice.tenant_id, consumer_id=alice.id, points=10, natural_key="scan:1", actor="test")
    with opened() as session:
        first = give(session, now=NOW, expires_at=NOW + DAY)
    with opened() as session:
        again = give(session, now=NOW + DAY, expires_at=NOW + 2 * DAY)
    assert again == first
    assert available(opened, alice) == 10


def test_the_same_key_for_another_movement_is_a_conflict(opened: Open, alice: Member, bob: Member) -> None:
    with opened() as session:
        ledger.earn(session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=10, natural_key="k", actor="test", now=NOW)
    for consumer_id, points in ((alice.id, 11), (bob.id, 10)):
        with pytest.raises(TransferDiffers) as refused, opened() as session:
            ledger.earn(
                session,
                tenant_id=alice.tenant_id,
                consumer_id=consumer_id,
                points=points,
                natural_key="k",
                actor="test",
                now=NOW,
            )
        assert refused.value.data == {"natural_key": "k"}
    with pytest.raises(TransferDiffers), opened() as session:
        ledger.spend(session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=10, natural_key="k", actor="test", now=NOW)
    assert available(opened, alice) == 10


def test_two_brands_may_use_one_key(database: Database, opened: Open, alice: Member, charlie: Member) -> None:
    for member in (alice, charlie):
        with transaction(database.app_engine, tenant_id=member.tenant_id) as session:
            ledger.earn(
                session, tenant_id=member.tenant_id, consumer_id=member.id, points=5, natural_key="k", actor="test", now=NOW
            )
    assert available(opened, alice) == 5


@pytest.mark.parametrize("points", [0, -5])
def test_an_earn_of_nothing_or_less_is_refused(opened: Open, alice: Member, points: int) -> None:
    with pytest.raises(PointsOutOfRange), opened() as session:
        ledger.earn(
            session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=points, natural_key="k", actor="test", now=NOW
        )


def test_points_that_expire_before_they_are_valid_are_refused(opened: Open, alice: Member) -> None:
    with pytest.raises(ValidityInvalid), opened() as session:
        ledger.earn(
            session,
            tenant_id=alice.tenant_id,
            consumer_id=alice.id,
            points=1,
            natural_key="k",
            actor="test",
            now=NOW,
            activates_at=NOW + DAY,
            expires_at=NOW + DAY,
        )


def test_a_spend_takes_what_expires_first(opened: Open, alice: Member) -> None:
    with opened() as session:
        give = partial(ledger.earn, session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=10, actor="test", now=NOW)
        give(natural_key="never")
        give(natural_key="late", expires_at=NOW + 9 * DAY)
        give(natural_key="soon", expires_at=NOW + DAY)
        give(natural_key="pending", activates_at=NOW + DAY)
        spent = ledger.spend(
            session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=15, natural_key="mug", actor="test", now=NOW
        )
        left = ledger.open_lots(session, tenant_id=alice.tenant_id, consumer_id=alice.id, at=NOW)
        balance = ledger.balance(session, tenant_id=alice.tenant_id, consumer_id=alice.id, at=NOW)
    assert spent.points == -15
    assert [(lot.expires_at, lot.points_remaining) for lot in left] == [(NOW + 9 * DAY, 5), (None, 10), (None, 10)]
    assert balance == Balance(pending=10, available=15, expired=0)


def test_a_spend_of_too_much_is_refused_and_takes_nothing(opened: Open, alice: Member) -> None:
    with opened() as session:
        ledger.earn(session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=9, natural_key="e", actor="t", now=NOW)
    with opened() as session, pytest.raises(PointsInsufficient):
        ledger.spend(session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=10, natural_key="s", actor="t", now=NOW)
    assert available(opened, alice) == 9


def test_expired_points_cannot_be_spent_though_nobody_has_booked_their_expiry(opened: Open, alice: Member) -> None:
    later = NOW + DAY
    with opened() as session:
        ledger.earn(
            session,
            tenant_id=alice.tenant_id,
            consumer_id=alice.id,
            points=9,
            natural_key="e",
            actor="t",
            now=NOW,
            expires_at=later,
        )
        assert ledger.balance(session, tenant_id=alice.tenant_id, consumer_id=alice.id, at=later) == Balance(
            pending=0, available=0, expired=9
        )
        with pytest.raises(PointsInsufficient):
            ledger.spend(
                session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=1, natural_key="s", actor="t", now=later
            )


def test_the_sweep_books_each_expired_lot_once_in_steps_of_its_limit(opened: Open, alice: Member, bob: Member) -> None:
    with opened() as session:
        for number in range(3):
            ledger.earn(
                session,
                tenant_id=alice.tenant_id,
                consumer_id=(alice if number else bob).id,
                points=10 + number,
                natural_key=f"e{number}",
                actor="t",
                now=NOW,
                expires_at=NOW + DAY,
            )
        ledger.earn(session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=5, natural_key="keep", actor="t", now=NOW)
    later = NOW + 2 * DAY
    booked = []
    for _ in range(3):
        with opened() as session:
            booked.append(ledger.expire_due(session, tenant_id=alice.tenant_id, now=later, lots_max=2))
    assert booked == [2, 1, 0]
    with opened() as session:
        assert ledger.balance(session, tenant_id=alice.tenant_id, consumer_id=alice.id, at=later) == Balance(
            pending=0, available=5, expired=0
        )
        page = ledger.history(session, tenant_id=alice.tenant_id, consumer_id=alice.id)
        house = session.scalar(
            text("SELECT sum(points) FROM point_entry JOIN point_account a ON a.id = account_id WHERE house = 'expired'")
        )
    assert house == 33
    assert sorted((row.kind.value, row.points) for row in page.rows if row.points < 0) == [("expire", -12), ("expire", -11)]
    assert {row.effective_at for row in page.rows if row.points < 0} == {NOW + DAY}


def test_the_balance_of_a_past_instant_stays_what_it_was(opened: Open, alice: Member) -> None:
    with opened() as session:
        move = partial(_move, session, alice)
        move("earn", 10, "a", NOW)
        move("earn", 5, "b", NOW + DAY)
        move("spend", 12, "c", NOW + 2 * DAY)
        shown = [
            ledger.balance(session, tenant_id=alice.tenant_id, consumer_id=alice.id, at=NOW + days * DAY).available
            for days in (-1, 0, 1, 2, 3)
        ]
    assert shown == [0, 10, 15, 3, 3]


def _move(session: object, member: Member, verb: str, points: int, key: str, now: object) -> None:
    getattr(ledger, verb)(
        session, tenant_id=member.tenant_id, consumer_id=member.id, points=points, natural_key=key, actor="t", now=now
    )


def test_history_comes_in_pages_latest_first_and_a_new_row_does_not_shift_them(opened: Open, alice: Member) -> None:
    with opened() as session:
        for number in range(5):
            _move(session, alice, "earn", number + 1, f"e{number}", NOW + number * DAY)
        read = partial(ledger.history, session, tenant_id=alice.tenant_id, consumer_id=alice.id, rows_max=2)
        first = read()
        _move(session, alice, "earn", 9, "new", NOW + 9 * DAY)
        second = read(cursor=first.next_cursor)
        third = read(cursor=second.next_cursor)
    assert [row.points for page in (first, second, third) for row in page.rows] == [5, 4, 3, 2, 1]
    assert third.next_cursor is None


def test_a_cursor_from_elsewhere_is_refused(opened: Open, alice: Member) -> None:
    with opened() as session, pytest.raises(pages.CursorMalformed):
        ledger.history(session, tenant_id=alice.tenant_id, consumer_id=alice.id, cursor="'; --")


def test_of_many_who_spend_the_whole_balance_at_once_exactly_one_succeeds(
    database: Database, opened: Open, alice: Member
) -> None:
    with opened() as session:
        for number in range(3):
            _move(session, alice, "earn", 10, f"e{number}", NOW)

    def spend(number: int) -> int:
        with transaction(database.app_engine, tenant_id=alice.tenant_id) as session:
            _move(session, alice, "spend", 30, f"s{number}", NOW)
        return number

    answers = at_once(32, spend)
    assert len([answer for answer in answers if isinstance(answer, int)]) == 1
    assert {type(answer) for answer in answers} == {int, PointsInsufficient}
    assert available(opened, alice) == 0


def test_one_spend_sent_many_times_at_once_is_one_spend(database: Database, opened: Open, alice: Member) -> None:
    with opened() as session:
        _move(session, alice, "earn", 30, "e", NOW)

    def spend(_: int) -> UUID:
        with transaction(database.app_engine, tenant_id=alice.tenant_id) as session:
            return ledger.spend(
                session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=20, natural_key="s", actor="t", now=NOW
            ).id

    assert len(set(at_once(16, spend))) == 1
    assert available(opened, alice) == 10


def test_one_earn_sent_many_times_at_once_is_one_lot(database: Database, opened: Open, alice: Member) -> None:
    def earn(_: int) -> UUID:
        with transaction(database.app_engine, tenant_id=alice.tenant_id) as session:
            return ledger.earn(
                session, tenant_id=alice.tenant_id, consumer_id=alice.id, points=20, natural_key="e", actor="t", now=NOW
            ).id

    assert len(set(at_once(16, earn))) == 1
    assert available(opened, alice) == 20


def test_sweeps_and_spends_at_once_lose_nothing(database: Database, opened: Open, alice: Member) -> None:
    with opened() as session:
        for number in range(8):
            ledger.earn(
                session,
                tenant_id=alice.tenant_id,
                consumer_id=alice.id,
                points=10,
                natural_key=f"e{number}",
                actor="t",
                now=NOW,
                expires_at=NOW + DAY if number % 2 else None,
            )
    later = NOW + DAY

    def work(number: int) -> object:
        with transaction(database.app_engine, tenant_id=alice.tenant_id) as session:
            if number % 2:
                return ledger.expire_due(session, tenant_id=alice.tenant_id, now=later, lots_max=3)
            _move(session, alice, "spend", 5, f"s{number}", later)
        return 0

    answers = at_once(16, work)
    with opened() as session:
        ledger.expire_due(session, tenant_id=alice.tenant_id, now=later)
        balance = ledger.balance(session, tenant_id=alice.tenant_id, consumer_id=alice.id, at=later)
        entries = session.scalar(
            text("SELECT sum(points) FROM point_entry JOIN point_account a ON a.id = account_id WHERE consumer_id IS NOT NULL")
        )
    assert not any(isinstance(answer, Refusal) for answer in answers)
    assert balance == Balance(pending=0, available=0, expired=0)
    assert entries == 0


@pytest.mark.parametrize(
    "statement",
    ["UPDATE point_entry SET points = 99", "DELETE FROM point_transfer", "UPDATE point_transfer SET actor = 'x'"],
)
def test_the_application_cannot_rewrite_what_was_booked(opened: Open, alice: Member, statement: str) -> None:
    with opened() as session:
        _move(session, alice, "earn", 10, "e", NOW)
    with pytest.raises(DBAPIError, match="permission denied"), opened() as session:
        session.execute(text(statement))


def test_a_transfer_whose_sides_differ_cannot_be_committed(opened: Open, alice: Member) -> None:
    with opened() as session:
        _move(session, alice, "earn", 10, "e", NOW)
    with pytest.raises(DBAPIError, match="do not add up"), opened() as session:
        session.execute(
            text(
                "WITH forged AS (INSERT INTO point_transfer (tenant_id, id, natural_key, kind, effective_at, recorded_at, actor) "
                "SELECT tenant_id, gen_random_uuid(), 'forged', 'earn', effective_at, recorded_at, 'x' FROM point_transfer "
                "RETURNING tenant_id, id) INSERT INTO point_entry SELECT f.tenant_id, f.id, a.id, 5 FROM forged f, point_account a "
                "WHERE a.consumer_id IS NOT NULL"
            )
        )
