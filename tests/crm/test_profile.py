from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Boolean, Select, column, select, text, values
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP

from crm import identities, ledger, people, profile
from crm.identities import E164
from crm.pages import CursorMalformed
from crm.people import FirstTouch
from crm.profile import ConsumerUnknown
from kit.db import transaction
from tests.conftest import NOW, Brand, Database
from tests.crm.conftest import KEYS, Member, Open

HOUR = timedelta(hours=1)


def scan(visitor: bytes, hours: int, *, confirmed: bool = False, new: bool = True) -> tuple[object, ...]:
    return visitor, NOW + hours * HOUR, new, confirmed


def scans(*rows: tuple[object, ...]) -> Select[*tuple[Any, ...]]:
    columns = (
        column("visitor", BYTEA),
        column("scanned_at", TIMESTAMP(timezone=True)),
        column("new", Boolean),
        column("confirmed", Boolean),
    )
    return select(values(*columns, name="scan").data(list(rows)))


def activity(opened: Open) -> list[tuple[object, ...]]:
    with opened() as session:
        rows = session.execute(text("SELECT visitor, first_at, last_at, scans, confirmed FROM visitor_activity ORDER BY visitor"))
        return [tuple(row) for row in rows]


def test_the_projection_adds_scans_whatever_their_order(opened: Open, brand: Brand) -> None:
    with opened() as session:
        add = partial(profile.project_visitors, session, tenant_id=brand.tenant_id)
        add(scans=scans(scan(b"visitorB", 5), scan(b"visitorA", 3, confirmed=True), scan(b"visitorA", 1)))
        add(scans=scans(scan(b"visitorA", 1, confirmed=True, new=False), scan(b"visitorA", 0)))
    assert activity(opened) == [
        (b"visitorA", NOW, NOW + 3 * HOUR, 3, 2),
        (b"visitorB", NOW + 5 * HOUR, NOW + 5 * HOUR, 1, 0),
    ]


def test_a_profile_adds_up_visitors_scans_and_points(opened: Open, alice: Member, bob: Member) -> None:
    with opened() as session:
        for visitor in (b"visitorA", b"visitorB"):
            identities.link_visitor(session, tenant_id=alice.tenant_id, consumer_id=alice.id, visitor=visitor, now=NOW)
        profile.project_visitors(
            session,
            tenant_id=alice.tenant_id,
            scans=scans(scan(b"visitorA", 1), scan(b"visitorB", 2), scan(b"visitorB", 3), scan(b"stranger", 9)),
        )
        give = partial(ledger.earn, session, tenant_id=alice.tenant_id, actor="t", now=NOW)
        give(consumer_id=alice.id, points=10, natural_key="a", expires_at=NOW + HOUR)
        give(consumer_id=alice.id, points=4, natural_key="b")
        give(consumer_id=bob.id, points=99, natural_key="noise")
        one = profile.one(session, tenant_id=alice.tenant_id, consumer_id=alice.id, keys=KEYS, now=NOW + HOUR)
        row = profile.page(session, tenant_id=alice.tenant_id, keys=KEYS, now=NOW, phone=alice.phone).rows[0]
    assert (one.phone, one.scans, one.last_scan_at) == ("+86 138****5678", 3, NOW + 3 * HOUR)
    assert (one.points.available, one.points.expired) == (4, 10)
    assert one.source == {"channel": "scan", "gtin": "09521234543213", "lot": "L1"}
    assert sorted(one.visitors) == [b"visitorA", b"visitorB"]
    assert (row.id, row.points, row.scans) == (alice.id, 14, 3)


def test_a_search_finds_the_one_with_the_number_or_nobody(opened: Open, alice: Member, bob: Member) -> None:
    with opened() as session:
        search = partial(profile.page, session, tenant_id=alice.tenant_id, keys=KEYS, now=NOW)
        assert [row.id for row in search(phone=bob.phone).rows] == [bob.id]
        assert search(phone=E164("+8613000000000")).rows == ()


def test_another_brands_consumer_is_unknown_here(opened: Open, alice: Member, charlie: Member) -> None:
    with opened() as session:
        assert [row.id for row in profile.page(session, tenant_id=alice.tenant_id, keys=KEYS, now=NOW).rows] == [alice.id]
        for stranger in (charlie.id, uuid4()):
            with pytest.raises(ConsumerUnknown):
                profile.one(session, tenant_id=alice.tenant_id, consumer_id=stranger, keys=KEYS, now=NOW)


def test_the_list_comes_in_pages_latest_joined_first(database: Database, opened: Open, brand: Brand) -> None:
    joined = [_join(database, brand, number) for number in range(5)]
    with opened() as session:
        read = partial(profile.page, session, tenant_id=brand.tenant_id, keys=KEYS, now=NOW, rows_max=2)
        first = read()
        second = read(cursor=first.next_cursor)
        third = read(cursor=second.next_cursor)
        assert [row.id for page in (first, second, third) for row in page.rows] == joined[::-1]
        assert (third.next_cursor, profile.count(session, tenant_id=brand.tenant_id)) == (None, 5)
        for cursor in ("nonsense", uuid4().hex):
            with pytest.raises(CursorMalformed):
                read(cursor=cursor)


def test_new_consumers_are_counted_by_the_day_of_the_brands_calendar(database: Database, opened: Open, brand: Brand) -> None:
    # 08:00 UTC is 16:00 in Shanghai: eight hours later the next day begins there.
    for number in (0, 7, 8):
        _join(database, brand, number)
    with opened() as session:
        counted = people.joined_by_day(
            session,
            tenant_id=brand.tenant_id,
            first_on=date(2026, 11, 21),
            last_on=date(2026, 11, 23),
            zone=ZoneInfo("Asia/Shanghai"),
        )
    assert counted == {date(2026, 11, 21): 0, date(2026, 11, 22): 2, date(2026, 11, 23): 1}


def _join(database: Database, brand: Brand, number: int) -> UUID:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        return people.find_or_create(
            session,
            tenant_id=brand.tenant_id,
            keys=KEYS,
            phone=E164(f"+861381234567{number}"),
            source=FirstTouch(channel="import"),
            language="zh",
            now=NOW + number * HOUR,
        ).consumer_id
