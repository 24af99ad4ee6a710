"""Room for photos: what a brand takes in a day and keeps in all, however many send at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from codegen import brands
from kit.clock import unix_ms
from kit.db import transaction
from kit.ids import uuid7
from scanservice import tickets
from scanservice.fake_reports import fake_reports, photo_room
from scanservice.fake_reports.fake_reports import Draft
from scanservice.fake_reports.photo_room import Used
from scanservice.tickets import Stage, Ticket
from scanservice.verdicts import Verdict
from tests.scanservice.conftest import GTIN, Market

PHOTO = bytes(100)
KEY = bytes(32)


def draft(market: Market, *, photos: int = 1) -> Draft:
    now = market.clock.now()
    ticket = Ticket(
        tenant_id=market.tenant_id,
        stage=Stage.CONFIRMED,
        verdict=Verdict.SUSPECT,
        reasons=(),
        gtin=GTIN,
        scan_id=uuid7(now),
        visitor=uuid7(now).bytes[-8:],
        expires_at_s=tickets.expiry_s(unix_ms(now)),
    )
    return Draft(report_id=uuid7(now), ticket=ticket, place="", words="", phone="", language="en", photos=(PHOTO,) * photos)


def receive(market: Market, sent: Draft, *, tenant_id: int | None = None) -> bool:
    tenant_id = market.tenant_id if tenant_id is None else tenant_id
    with transaction(market.engine, tenant_id=tenant_id) as session:
        return fake_reports.receive(
            session, sent, tenant_id=tenant_id, key=KEY, objects_dir=market.settings.objects_dir, now=market.clock.now()
        )


def used(market: Market) -> Used:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return photo_room.used(session, tenant_id=market.tenant_id, now=market.clock.now())


def files(market: Market) -> int:
    return len(list(market.settings.objects_dir.glob(f"fake_reports/{market.tenant_id}/*.jpg")))


def kept(market: Market) -> list[int]:
    """How many photos each report has, the newest first."""
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return [len(one.photos) for one in fake_reports.page(session, tenant_id=market.tenant_id).reports]


def test_many_reports_at_once_never_share_the_last_of_the_room(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 750)
    drafts = [draft(market, photos=2) for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(partial(receive, market), drafts))
    assert (files(market), sorted(kept(market))) == (6, [0] * 9 + [2] * 3)
    assert used(market) == Used(of_day=600, kept=600)


def test_a_report_without_room_comes_without_its_photos_and_without_half_of_them(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 199)
    sent = draft(market, photos=2)
    assert receive(market, sent)
    assert (files(market), kept(market)) == (0, [0])
    assert not receive(market, replace(sent, photos=(PHOTO,)))
    assert kept(market) == [0]


def test_a_day_later_there_is_room_again_until_all_of_it_is_taken(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 100)
    monkeypatch.setattr(photo_room, "BYTES_KEPT_MAX", 200)
    for wait in (timedelta(0), timedelta(hours=23), timedelta(hours=1), timedelta(days=1)):
        market.clock.advance(wait)
        assert receive(market, draft(market))
    assert kept(market) == [0, 1, 0, 1]
    assert used(market) == Used(of_day=0, kept=200)
    assert used(market).is_short
    market.clock.advance(fake_reports.KEPT_AT_MOST)
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        fake_reports.forget(session, tenant_id=market.tenant_id, objects_dir=market.settings.objects_dir, now=market.clock.now())
    assert used(market) == Used(of_day=0, kept=0)
    assert receive(market, draft(market))
    assert kept(market)[0] == 1


def test_one_brands_crowd_takes_no_room_of_another(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 100)
    with transaction(market.engine, tenant_id=None) as session:
        other = brands.create(
            session,
            slug="coffee",
            name="Coffee",
            scan_origin="https://coffee.example",
            gtin_prefixes=[],
            kek=market.settings.kek_bytes,
            now=market.clock.now(),
        )
    assert receive(market, draft(market), tenant_id=other.tenant_id)
    assert receive(market, draft(market))
    assert receive(market, draft(market))
    assert sorted(kept(market)) == [0, 1]
