"""Room for photos: what a brand takes in a day and keeps in all, however many send at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from codegen import brands
from kit.clock import unix_ms
from kit.db import transaction
from kit.ids import uuid7
from kit.refusals import TooMany
from scanservice import tickets
from scanservice.fake_reports import fake_reports, photo_room
from scanservice.fake_reports.fake_reports import Draft
from scanservice.fake_reports.photo_room import PhotoRoomTaken, PhotosOfDayTaken, Used
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


def reports(market: Market) -> int:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        return len(fake_reports.page(session, tenant_id=market.tenant_id).reports)


def test_many_reports_at_once_never_share_the_last_of_the_room(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 750)
    drafts = [draft(market, photos=2) for _ in range(12)]

    def received(sent: Draft) -> bool:
        try:
            return receive(market, sent)
        except PhotosOfDayTaken:
            return False

    with ThreadPoolExecutor(6) as pool:
        taken = sum(pool.map(received, drafts))
    assert taken == 3
    assert (files(market), reports(market)) == (6, 3)
    assert used(market) == Used(of_day=600, kept=600)


def test_a_refused_report_leaves_nothing_behind_even_where_the_border_commits(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 199)
    sent = draft(market, photos=2)
    with transaction(market.engine, tenant_id=market.tenant_id) as session, pytest.raises(TooMany):
        fake_reports.receive(
            session,
            sent,
            tenant_id=market.tenant_id,
            key=KEY,
            objects_dir=market.settings.objects_dir,
            now=market.clock.now(),
        )
    assert (files(market), reports(market)) == (0, 0)
    assert receive(market, replace(sent, photos=(PHOTO,)))


def test_a_report_that_was_received_is_not_refused_when_it_comes_again(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 100)
    sent = draft(market)
    assert receive(market, sent)
    assert not receive(market, sent)
    with pytest.raises(PhotosOfDayTaken):
        receive(market, draft(market))


def test_a_day_later_there_is_room_again_until_all_of_it_is_taken(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 100)
    monkeypatch.setattr(photo_room, "BYTES_KEPT_MAX", 200)
    assert receive(market, draft(market))
    market.clock.advance(timedelta(hours=23))
    with pytest.raises(PhotosOfDayTaken):
        receive(market, draft(market))
    market.clock.advance(timedelta(hours=1))
    assert used(market) == Used(of_day=0, kept=100)
    assert receive(market, draft(market))
    market.clock.advance(timedelta(days=1))
    with pytest.raises(PhotoRoomTaken):
        receive(market, draft(market))
    assert used(market).is_short
    market.clock.advance(fake_reports.KEPT_AT_MOST)
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        fake_reports.forget(session, tenant_id=market.tenant_id, objects_dir=market.settings.objects_dir, now=market.clock.now())
    assert used(market) == Used(of_day=0, kept=0)
    assert receive(market, draft(market))


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
    assert receive(market, draft(market))
    assert receive(market, draft(market), tenant_id=other.tenant_id)
    with pytest.raises(PhotosOfDayTaken):
        receive(market, draft(market))
