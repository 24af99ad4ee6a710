"""Reports from the verdict page to the brand's answer."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import text

from kit.clock import FixedClock
from kit.db import transaction
from kit.ids import uuid7
from kit.settings import Settings
from scanservice.fake_reports import fake_reports, photo_room
from scanservice.fake_reports.fake_reports import Report, ReportState
from scanservice.tickets import Stage
from scanservice.verdicts import Standing, Verdict
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished, Join, sign_in
from tests.web.phones import Phone, phone
from tests.web.scans import scan, words_of
from tests.web.watch.strange_scans import found, strange_scan
from web.accounts import Role
from web.consumer import report as pages


def photo(kind: str = "JPEG", *, size: tuple[int, int] = (60, 40)) -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Image.new("RGB", size, "green").save(out, kind)
    out.seek(0)
    return out, "IMG_0001.HEIC"  # names say nothing


def form(**more: Any) -> dict[str, Any]:
    filled = {
        "report_id": str(uuid7(NOW)),
        "place": "Corner shop",
        "words": "The seal was open",
        "photos": [photo(), photo("PNG")],
    }
    return {**filled, **more}


@pytest.fixture
def alice(app: Flask, settings: Settings) -> Phone:
    return phone(app, settings)


def stored(database: Database, brand: Furnished) -> tuple[Report, ...]:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        return fake_reports.page(session, tenant_id=brand.tenant_id).reports


def test_a_report_goes_from_the_verdict_to_the_inbox_and_its_answer_back(
    database: Database, furnished: Furnished, alice: Phone, marketer: FlaskClient
) -> None:
    scan(database, furnished, row=3)
    ticket = alice.ticket(furnished, now=NOW, row=3)
    assert "I think this is a fake" in alice.page(f"/s/{ticket}")
    assert "needed" in alice.page(f"/report/{ticket}")
    filled = form(phone="138 0013 8000", consent="yes")
    sent = alice.client.post(f"/report/{ticket}", data=filled, content_type="multipart/form-data")
    assert sent.status_code == 303, sent.text
    follow = sent.location
    assert "Received" in alice.page(follow)
    assert "Reports 1" in words_of(marketer.get("/console/products").text)

    (report,) = stored(database, furnished)
    page = words_of(marketer.get(f"/console/reports/{report.id}").text)
    for said in ("The seal was open", "Corner shop", "+8613800138000", "Genuine, first scan", furnished.lot):
        assert said in page
    assert "Being looked at" in alice.page(follow)
    answered = marketer.post(f"/console/reports/{report.id}", data={"text": "We will call you.", "answer": "y"})
    assert answered.status_code == 302
    shown = alice.page(follow)
    assert "We will call you." in shown
    # The answer may be that it is a fake: it does not come in the colour of what is genuine.
    assert "verdict good" not in shown
    for kept in ("The seal was open", "Corner shop", "8000", marketer.get("/console/").text[:0] or "marketer"):
        assert kept not in shown
    marketer.post(f"/console/reports/{report.id}", data={"text": "done", "close": "y"})
    late = marketer.post(f"/console/reports/{report.id}", data={"text": "Another", "answer": "y"})
    assert late.status_code == 422
    assert [one.state for one in stored(database, furnished)] == [ReportState.CLOSED]
    assert "No reports" in marketer.get("/console/reports").text
    assert str(report.id) in marketer.get("/console/reports?state=closed").text


def test_photos_are_for_staff_of_the_brand_alone(
    app: Flask,
    database: Database,
    furnished: Furnished,
    other_furnished: Furnished,
    alice: Phone,
    marketer: FlaskClient,
    distributor: FlaskClient,
    hire: Join,
) -> None:
    alice.client.post(f"/report/{alice.ticket(furnished, now=NOW)}", data=form(), content_type="multipart/form-data")
    (report,) = stored(database, furnished)
    address = f"/console/reports/{report.id}/photos/1.jpg"
    with marketer.get(address) as shown:
        assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
        assert "sandbox" in shown.headers["Content-Security-Policy"]
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert shown.headers["Cache-Control"] == "no-store"
    assert marketer.get(f"/console/reports/{report.id}/photos/3.jpg").status_code == 404
    charlie = sign_in(app.test_client(), hire(Role.OWNER, tenant_id=other_furnished.tenant_id))
    for path in ("", "/photos/1.jpg"):
        assert alice.client.get(f"/console/reports/{report.id}{path}").status_code == 302
        assert distributor.get(f"/console/reports/{report.id}{path}").status_code == 403
        assert charlie.get(f"/console/reports/{report.id}{path}").status_code == 404


def test_the_same_form_twice_is_one_report_and_nobody_elses_id_is_taken(
    app: Flask, settings: Settings, database: Database, furnished: Furnished, alice: Phone
) -> None:
    ticket, report_id = alice.ticket(furnished, now=NOW), str(uuid7(NOW))
    answers = {
        alice.client.post(f"/report/{ticket}", data=form(report_id=report_id), content_type="multipart/form-data").location
        for _again in range(2)
    }
    assert len(answers) == 1
    bob = phone(app, settings)
    taken = bob.client.post(
        f"/report/{bob.ticket(furnished, now=NOW)}", data=form(report_id=report_id), content_type="multipart/form-data"
    )
    assert taken.status_code == 409
    assert len(stored(database, furnished)) == 1
    assert len(list((settings.objects_dir / "fake_reports").rglob("*.jpg"))) == 2


def test_without_a_ticket_of_ones_own_there_is_no_report(
    app: Flask, settings: Settings, furnished: Furnished, alice: Phone, clock: FixedClock
) -> None:
    bob, ticket = phone(app, settings), alice.ticket(furnished, now=NOW)
    for client, given in (
        (bob.client, ticket),
        (app.test_client(), ticket),
        (alice.client, "made-up"),
        (alice.client, alice.ticket(furnished, now=NOW, stage=Stage.PREVIEW, visitor=bytes(8))),
    ):
        assert client.get(f"/report/{given}").status_code >= 400
        assert client.post(f"/report/{given}", data=form(), content_type="multipart/form-data").status_code >= 400
    assert "I think this is a fake" not in bob.client.get(f"/s/{alice.ticket(furnished, now=NOW, stage=Stage.PREVIEW)}").text
    clock.advance(timedelta(minutes=31))
    assert alice.client.get(f"/report/{ticket}").status_code == 410


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"photos": []}, "at least one photo"),
        ({"photos": [photo() for _ in range(5)]}, "At most 4 photos"),
        ({"photos": [(io.BytesIO(b"<svg/>"), "photo.jpg")]}, "no photo that we can read"),
        ({"photos": [photo(), (io.BytesIO(b"\x00\x00\x00\x18ftypheic"), "photo.heic")]}, "Photo 2: This is a HEIC photo"),
        ({"phone": "138 0013 8000"}, "Please tick this"),
        ({"phone": "12", "consent": "yes"}, "no mobile number"),
        ({"place": "x" * 201}, "At most 200 characters"),
        ({"words": "x" * 2001}, "At most 2000 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_mistake_is_told_beside_its_field_and_nothing_typed_is_lost(
    database: Database, furnished: Furnished, alice: Phone, wrong: dict[str, Any], said: str
) -> None:
    filled = form(words="The lid is loose") | wrong
    answer = alice.client.post(f"/report/{alice.ticket(furnished, now=NOW)}", data=filled, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert said in answer.text
    assert str(filled["words"]) in answer.text
    assert filled["report_id"] in answer.text
    assert stored(database, furnished) == ()


@pytest.mark.parametrize(("megabytes", "status", "said"), [(8, 422, "at most 7 MB"), (30, 413, "too large together")])
def test_too_much_is_told_in_words(furnished: Furnished, alice: Phone, megabytes: int, status: int, said: str) -> None:
    """Written as a browser sends it: the test client would keep so much in a file that it never closes."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="report_id"\r\n\r\n{uuid7(NOW)}\r\n'.encode(),
        b'--x\r\nContent-Disposition: form-data; name="photos"; filename="photo.jpg"\r\n\r\n',
        bytes(megabytes << 20),
        b"\r\n--x--\r\n",
    ]
    answer = alice.client.post(
        f"/report/{alice.ticket(furnished, now=NOW)}", data=b"".join(parts), content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == status
    assert said in answer.text


def test_a_visitor_reports_five_times_a_day_and_no_more(database: Database, furnished: Furnished, alice: Phone) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    answers = [
        alice.client.post(f"/report/{ticket}", data=form(), content_type="multipart/form-data").status_code for _ in range(6)
    ]
    assert answers == [303] * 5 + [429]
    assert len(stored(database, furnished)) == 5


def test_photos_are_not_read_for_ever_for_forms_that_come_back(
    database: Database, furnished: Furnished, alice: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "READINGS_PER_ADDRESS", "2/1 hour")
    ticket = alice.ticket(furnished, now=NOW)

    def told() -> str:
        spoilt = form(photos=[photo(), (io.BytesIO(b"GIF89a"), "x.jpg")])
        answer = alice.client.post(f"/report/{ticket}", data=spoilt, content_type="multipart/form-data")
        assert answer.status_code == 422
        return answer.text

    assert ["is no photo" in told() for _ in range(3)] == [True, True, False]
    assert "Several reports came from here" in told()
    assert stored(database, furnished) == ()


@pytest.mark.parametrize(("language", "said"), [("en", "sent without them"), ("zh-CN", "但未附照片")])
def test_where_a_brand_has_no_room_for_photos_a_report_comes_without_them_and_everybody_is_told(
    database: Database,
    furnished: Furnished,
    alice: Phone,
    marketer: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    said: str,
) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    first = alice.client.post(f"/report/{ticket}", data=form(), content_type="multipart/form-data")
    assert said not in alice.client.get(first.location, headers={"Accept-Language": language}).text
    assert "Room for photos is short" not in marketer.get("/console/reports").text
    monkeypatch.setattr(photo_room, "BYTES_OF_DAY_MAX", 1)
    filled = form()
    sent = alice.client.post(f"/report/{ticket}", data=filled, content_type="multipart/form-data")
    assert sent.status_code == 303
    assert said in alice.client.get(sent.location, headers={"Accept-Language": language}).text
    (newest,) = (one for one in stored(database, furnished) if str(one.id) == filled["report_id"])
    assert (newest.words, newest.photos) == ("The seal was open", ())
    assert "this report came without them" in marketer.get(f"/console/reports/{newest.id}").text
    assert "Room for photos is short" in marketer.get("/console/reports").text


def test_nobody_finds_a_report_by_guessing_its_address(furnished: Furnished, alice: Phone) -> None:
    sent = alice.client.post(f"/report/{alice.ticket(furnished, now=NOW)}", data=form(), content_type="multipart/form-data")
    token = sent.location.rsplit("/", 1)[-1]
    assert alice.client.get(f"/reports/{token}").status_code == 200
    for guess in (token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), "B" + token[1:], token[:20], "x" * 5000, "ü"):
        answer = alice.client.get(f"/reports/{guess}", headers={"Accept-Language": "en"})
        assert answer.status_code == 404
        assert "We know no such report" in answer.text


def test_a_report_becomes_a_note_at_an_anomaly_of_its_code(
    database: Database, furnished: Furnished, alice: Phone, marketer: FlaskClient
) -> None:
    strange_scan(database, furnished, Standing.VOID, row=2)
    (leak,) = found(database, furnished)
    ticket = alice.ticket(furnished, now=NOW, row=2, verdict=Verdict.VOID)
    alice.client.post(f"/report/{ticket}", data=form(), content_type="multipart/form-data")
    (report,) = stored(database, furnished)
    page = marketer.get(f"/console/reports/{report.id}").text
    note_id = re.search(r'name="note_id"[^>]*value="([^"]+)"', page)
    assert note_id is not None
    assert str(leak.id) in page
    for _again in range(2):
        noted = marketer.post(
            f"/console/reports/{report.id}",
            data={"text": "Buyer in Xuhui", "anomaly": str(leak.id), "note": "y", "note_id": note_id[1]},
        )
        assert noted.status_code == 302, noted.text
    explained = marketer.get(f"/console/anomalies/{leak.id}").text
    assert explained.count("Buyer in Xuhui") == 1
    assert f"/console/reports/{report.id}" in explained
    strange = marketer.post(f"/console/reports/{report.id}", data={"text": "x", "anomaly": str(uuid7(NOW)), "note": "y"})
    assert strange.status_code == 422


def test_personal_data_go_half_a_year_after_closing(
    database: Database, furnished: Furnished, settings: Settings, alice: Phone, marketer: FlaskClient
) -> None:
    filled = form(phone="138 0013 8000", consent="yes")
    sent = alice.client.post(f"/report/{alice.ticket(furnished, now=NOW)}", data=filled, content_type="multipart/form-data")
    (report,) = stored(database, furnished)
    marketer.post(f"/console/reports/{report.id}", data={"text": "a fake indeed", "close": "y"})

    def forget(*, days: int) -> int:
        with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
            now = NOW + timedelta(days=days)
            return fake_reports.forget(session, tenant_id=furnished.tenant_id, objects_dir=settings.objects_dir, now=now)

    assert forget(days=179) == 0
    assert len(list((settings.objects_dir / "fake_reports").rglob("*.jpg"))) == 2
    assert forget(days=181) == 1
    assert forget(days=182) == 0
    assert not list((settings.objects_dir / "fake_reports").rglob("*.jpg"))
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        row = session.execute(text("SELECT words, place, phone_sealed, close_reason FROM fake_report")).one()
    assert tuple(row) == ("", "", None, "")
    assert "have been deleted" in alice.page(sent.location)
    assert "were deleted" in marketer.get(f"/console/reports/{report.id}").text
