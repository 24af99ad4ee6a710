"""The PIN on the verdict page and the page that verifies addresses: who is asked, what is said in both languages, what an address cannot make it say."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codegen import orders
from codegen.lifecycle import ranges
from codegen.proofs import Proofs
from kit.clock import FixedClock
from kit.db import transaction
from kit.ids import uuid7
from kit.settings import Settings
from scanservice import tickets
from scanservice.hot.pin_log import LoggedTry, PinEntry
from scanservice.hot.pin_tries import Lane, Outcome
from scanservice.ingest import pin_records
from scanservice.verdicts import Reason, Verdict
from tests.conftest import Database
from tests.web.conftest import Furnished
from tests.web.phones import Phone, phone

PROVEN = (Reason("strangers", 4), Reason("pin_right_at", "2026-11-22T07:30:00Z"), Reason("outweighs", "suspect"))
ELSEWHERE = (
    Reason("first_confirmed_at", "2026-11-20T02:00:00Z"),
    Reason("strangers", 1),
    Reason("pin_right_elsewhere", "2026-11-20T03:00:00Z"),
)


@pytest.fixture
def pinned(database: Database, furnished: Furnished, clock: FixedClock) -> Furnished:
    """The brand with an order of cases and items whose items have PINs."""
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        order = orders.place(
            session,
            tenant_id=furnished.tenant_id,
            gtin=furnished.gtin,
            quantity=4,
            items_per_case=2,
            lot="P1",
            proofs=Proofs(pin=True),
            request_id="pins",
            now=clock.now(),
            actor="test",
        )
        ranges.activate(session, tenant_id=furnished.tenant_id, order_id=order.id, now=clock.now(), actor="test")
    return replace(furnished, order_id=order.id, lot="P1", first_counter=order.first_counter)


@pytest.fixture
def anna(app: Flask, settings: Settings) -> Phone:
    return phone(app, settings)


def test_only_who_scanned_an_item_with_a_pin_is_asked_for_it(
    app: Flask, settings: Settings, anna: Phone, furnished: Furnished, pinned: Furnished, clock: FixedClock
) -> None:
    now = clock.now()
    asked = anna.page(f"/s/{anna.ticket(pinned, now=now)}")
    assert "Scratch and enter" in asked
    assert "pin.js" in asked
    case = anna.ticket(pinned, now=now, row=5, kind="case")
    plain = anna.ticket(furnished, now=now)
    forged = anna.ticket(pinned, now=now, verdict=Verdict.COUNTERFEIT, reasons=(Reason("bad_serial"),))
    void = anna.ticket(pinned, now=now, verdict=Verdict.VOID, reasons=(Reason("void"),))
    for ticket in (case, plain, forged, void):
        page = anna.page(f"/s/{ticket}")
        assert "Scratch and enter" not in page
        assert "pin.js" not in page
    without_cookie = app.test_client().get(f"/s/{anna.ticket(pinned, now=now)}", headers={"Accept-Language": "en"})
    assert "Scratch and enter" not in without_cookie.text


def test_what_came_of_a_form_is_said_in_words_of_ours(anna: Phone, pinned: Furnished, clock: FixedClock) -> None:
    ticket = anna.ticket(pinned, now=clock.now())
    until = int(clock.now().timestamp()) + 600
    for query, english, chinese in (
        ("pin=wrong&left=2", "That is not the PIN of this item. You have 2 more tries.", "密码与这件商品不符。还可以再试2次。"),
        ("pin=wrong&left=1", "You have one more try.", "还可以再试1次。"),
        (f"pin=wrong&left=0&until={until}", "The next try is possible at 2026-11-22 16:10.", "2026-11-22 16:10之后可以再试。"),
        (f"pin=locked&until={until}", "There were several wrong PINs, so we wait a little.", "密码多次输错，需要稍等一会儿。"),
        ("pin=busy", "There were many wrong PINs from your network", "来自您所在网络的错误密码较多"),
        ("pin=malformed", "The PIN has six digits.", "密码是6位数字。"),
    ):
        assert english in said(anna.page(f"/s/{ticket}?{query}"))
        assert chinese in said(anna.page(f"/s/{ticket}?{query}", language="zh-CN"))
    for query in (
        "pin=right",
        "pin=<b>x",
        "pin=wrong&left=999999",
        "pin=locked&until=99999999999",
        f"pin=locked&until={'9' * 400}",
        "pin=locked&until=x",
        "pin=wrong&left=-1",
    ):
        page = said(anna.page(f"/s/{ticket}?{query}"))
        assert "PIN right" not in page
        assert "<b>" not in page
        assert "more tries" not in page
        assert "possible at" not in page


def test_the_holder_is_believed_and_others_are_told_calmly(anna: Phone, pinned: Furnished, clock: FixedClock) -> None:
    now = clock.now()
    mine = anna.ticket(pinned, now=now, verdict=Verdict.GENUINE_AGAIN, reasons=PROVEN)
    page = anna.page(f"/s/{mine}")
    assert "You entered the right PIN today at 15:30: the genuine item is in your hands." in page
    assert "Copies of its code are going round elsewhere. Yours is the real one." in page
    assert "PIN right: you hold the item" in page
    assert '<form method="post" action="/v1/scans/pin"' not in page
    assert "您今天15:30输入了正确的密码：您手里的就是正品。" in anna.page(f"/s/{mine}", language="zh-CN")
    other = anna.ticket(pinned, now=now, verdict=Verdict.GENUINE_SEEN, reasons=ELSEWHERE)
    page = anna.page(f"/s/{other}")
    assert "Someone who holds the item entered its PIN on November 20, 2026." in page
    assert "Scratch it and enter the PIN below" in page
    home = anna.ticket(
        pinned, now=now, verdict=Verdict.GENUINE_AGAIN, reasons=(Reason("pin_right_at_home", "2026-11-20T03:00:00Z"),)
    )
    assert "Someone in your household entered the right PIN on November 20, 2026." in anna.page(f"/s/{home}")
    suspect = anna.ticket(pinned, now=now, verdict=Verdict.SUSPECT, reasons=ELSEWHERE)
    assert "Someone who holds the item entered its PIN" in anna.page(f"/s/{suspect}")


def test_a_ticket_with_all_reasons_still_fits(anna: Phone, pinned: Furnished, clock: FixedClock) -> None:
    reasons = (
        *ELSEWHERE,
        *PROVEN,
        *(Reason(code, "2026-11-20T02:00:00Z") for code in ("mine_first_at", "mine_last_at", "household_last_at")),
        Reason("too_far_apart", 4),
        Reason("together", 3),
        Reason("regions", 5),
        Reason("staff_before"),
        Reason("signature_wrong"),
    )
    ticket = anna.ticket(pinned, now=clock.now(), verdict=Verdict.SUSPECT, reasons=reasons)
    assert len(ticket) <= tickets.TEXT_LENGTH_MAX


def test_the_page_that_verifies_is_whole_for_a_cache(app: Flask) -> None:
    client = app.test_client()
    for language, words in (("en", "What this proves"), ("zh", "这能证明什么")):
        page = client.get(f"/verify?lang={language}")
        assert page.status_code == 200
        assert words in page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    worker = client.get("/verify-worker.js")
    assert (worker.status_code, worker.mimetype) == (200, "text/javascript")
    kept = re.findall(r'"(/[^"\s]+)"', worker.text.partition("KEPT = ")[2].partition(";")[0])
    assert kept[:3] == ["/verify", "/verify?lang=zh", "/verify?lang=en"]
    for path in kept:
        with client.get(path) as answer:
            assert answer.status_code == 200, path


def said(page: str) -> str:
    """The line under the field, blanks drawn together."""
    start = page.index("data-said")
    return " ".join(page[start : page.index("</p>", start)].split())


def test_staff_see_what_was_entered_and_never_the_pin(
    owner: FlaskClient, database: Database, pinned: Furnished, other_furnished: Furnished, clock: FixedClock
) -> None:
    now = clock.now()
    for tenant_id, outcome, visitor in (
        (pinned.tenant_id, "wrong", b"bertbert"),
        (pinned.tenant_id, "right", b"annaanna"),
        (other_furnished.tenant_id, "right", b"noise!!!"),
    ):
        with transaction(database.app_engine, tenant_id=tenant_id) as session:
            pin_records.store(session, [a_try(pinned, tenant_id=tenant_id, at=now, outcome=outcome, visitor=visitor)])
        now += timedelta(minutes=1)
    page = owner.get(f"/console/codes?code={pinned.serial(1)}", headers={"Accept-Language": "en"}).text
    entered = page[page.index("PINs entered") : page.index("Decisions about this code")]
    assert re.findall(r"<td>(right|wrong|visitor \d)</td>", entered) == ["right", "visitor 2", "wrong", "visitor 1"]
    assert "PINs entered" not in owner.get(f"/console/codes?code={pinned.serial(2)}", headers={"Accept-Language": "en"}).text


def a_try(pinned: Furnished, *, tenant_id: int, at: datetime, outcome: str, visitor: bytes) -> LoggedTry:
    entry = PinEntry(
        try_id=uuid7(at),
        tenant_id=tenant_id,
        epoch=0,
        counter=pinned.first_counter,
        at_ms=int(at.timestamp() * 1000),
        scan_id=uuid7(at),
        visitor=visitor,
        whence=bytes(5),
    )
    return LoggedTry(entry=entry, outcome=Outcome(outcome), lane=Lane.OPEN)
