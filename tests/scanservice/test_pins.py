"""PINs at the edge: right, wrong, too early; what a page is told, what a rebuild knows, and that the PIN itself goes nowhere."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from codegen import orders, url_signatures
from codegen.keys import keyring
from codegen.lifecycle import ranges
from codegen.print_packages.guarding import pins
from codegen.proofs import Proofs
from kit.db import transaction
from scanservice import pin_history, tickets
from scanservice.edge.pin_desk import Entered
from scanservice.hot import functions
from scanservice.ingest import rebuild
from scanservice.ingest.ingesting import Ingester
from scanservice.models import PinTry
from tests.scanservice.conftest import GTIN, Client, LocalEdge, Market, Response


@pytest.fixture
def pinned(market: Market) -> Market:
    """The market with a second order, whose codes are signed and have PINs."""
    now = market.clock.now()
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        order = orders.place(
            session,
            tenant_id=market.tenant_id,
            gtin=GTIN,
            quantity=20,
            lot="P1",
            proofs=Proofs(signed=True, pin=True),
            request_id="pins",
            now=now,
            actor="test",
        )
        ranges.activate(session, tenant_id=market.tenant_id, order_id=order.id, now=now, actor="test")
        cipher = keyring.cipher(session, tenant_id=market.tenant_id, epoch=order.epoch, kek=market.settings.kek_bytes)
        serials = [serial.decode() for serial in cipher.serials(order.first_counter, order.quantity)]
    return replace(market, order=order, serials=serials)


@pytest.fixture
def edge(pinned: Market) -> Iterator[LocalEdge]:
    with LocalEdge.running(pinned.settings, pinned.clock) as running:
        yield running


def pin_of(market: Market, row: int) -> str:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        cipher = keyring.cipher(session, tenant_id=market.tenant_id, epoch=market.order.epoch, kek=market.settings.kek_bytes)
    return pins.pin_of(cipher, market.order.first_counter + row - 1)


def wrong_for(market: Market, row: int) -> str:
    return f"{(int(pin_of(market, row)) + 1) % 10**6:06d}"


def arrive(client: Client, market: Market, row: int) -> str:
    """Scans, looks at the page; the ticket of the confirmed scan."""
    return str(client.confirm(client.open(market.path(row))).json()["ticket"])


def enter(client: Client, ticket: str, pin: str) -> Response:
    return client.post("/v1/scans/pin", {"ticket": ticket, "pin": pin})


def codes_of(answer: Any) -> set[str]:
    return {reason["code"] for reason in answer["reasons"]}


def test_a_right_pin_proves_the_item_and_a_copy_is_told_so(edge: LocalEdge, pinned: Market) -> None:
    anna, mallory = edge.stranger(), edge.stranger()
    ticket = arrive(anna, pinned, 1)
    right = enter(anna, ticket, f" {pin_of(pinned, 1)[:3]}-{pin_of(pinned, 1)[3:]}").json()
    assert (right["pin"], right["verdict"]) == ("right", "genuine_again")
    assert "pin_right_at" in codes_of(right)
    assert right["ticket"] != ticket
    pinned.clock.advance(timedelta(hours=1))
    copied = mallory.get(pinned.path(1), accept="application/json").json()
    assert copied["verdict"] == "genuine_seen"
    assert "pin_right_elsewhere" in codes_of(copied)
    again = anna.get(pinned.path(1), accept="application/json").json()
    assert (again["verdict"], "pin_right_at" in codes_of(again)) == ("genuine_again", True)


def test_a_right_pin_outweighs_the_copies(edge: LocalEdge, pinned: Market) -> None:
    for _ in range(8):
        edge.stranger().verdict(pinned.path(2))
        pinned.clock.advance(timedelta(minutes=2))
    late = edge.stranger()
    ticket = arrive(late, pinned, 2)
    assert late.confirm(late.open(pinned.path(2))).json()["verdict"] == "suspect"
    right = enter(late, ticket, pin_of(pinned, 2)).json()
    assert right["verdict"] == "genuine_again"
    assert {"code": "outweighs", "value": "suspect"} in right["reasons"]
    assert late.verdict(pinned.path(2)) == "genuine_again"
    assert edge.stranger().verdict(pinned.path(2)) == "suspect"


def test_wrong_pins_are_counted_down_then_have_to_wait(edge: LocalEdge, pinned: Market) -> None:
    anna = edge.stranger()
    ticket = arrive(anna, pinned, 3)
    wrong = wrong_for(pinned, 3)
    answers = [enter(anna, ticket, wrong).json() for _ in range(3)]
    assert [(one["pin"], one["tries_left"]) for one in answers] == [("wrong", 2), ("wrong", 1), ("wrong", 0)]
    assert [one["opens_at"] for one in answers] == [None, None, "2026-11-22T08:01:00Z"]
    assert {one["ticket"] for one in answers} == {ticket}
    for pin in (wrong, pin_of(pinned, 3)):
        early = enter(anna, ticket, pin)
        assert (early.status, early.json()["code"], early.json()["limit"]) == (429, "pin_locked", "code")
        assert early.headers["retry-after"] == "60"
    pinned.clock.advance(timedelta(seconds=60))
    assert enter(anna, ticket, pin_of(pinned, 3)).json()["pin"] == "right"


def test_a_form_is_sent_back_to_the_page(edge: LocalEdge, pinned: Market) -> None:
    anna = edge.stranger()
    ticket = arrive(anna, pinned, 4)

    def send(pin: str) -> str:
        body = f"ticket={ticket}&pin={pin}".encode()
        answer = anna.ask("POST", "/v1/scans/pin", body, content_type="application/x-www-form-urlencoded")
        assert answer.status == 303
        return answer.headers["location"]

    assert send("12") == f"/s/{ticket}?pin=malformed#pin"
    assert send(wrong_for(pinned, 4)) == f"/s/{ticket}?pin=wrong&left=2#pin"
    send(wrong_for(pinned, 4))
    at = int(pinned.clock.now().timestamp()) + 60
    assert send(wrong_for(pinned, 4)) == f"/s/{ticket}?pin=wrong&left=0&until={at}#pin"
    assert send(pin_of(pinned, 4)) == f"/s/{ticket}?pin=locked&until={at}#pin"
    pinned.clock.advance(timedelta(minutes=1))
    page = send(pin_of(pinned, 4))
    assert page.startswith("/s/")
    assert "?" not in page
    assert ticket not in page


def test_an_app_enters_the_pin_of_its_own_scan(edge: LocalEdge, pinned: Market) -> None:
    app = edge.stranger(user_agent="mini-program/1")
    ticket = app.post("/v1/scans", {"url": pinned.url(5), "visitor_id": "openid-1"}).json()["ticket"]
    for visitor_id in ("", "openid-2", "x" * 300):
        refused = app.post("/v1/scans/pin", {"ticket": ticket, "pin": pin_of(pinned, 5), "visitor_id": visitor_id})
        assert (refused.status, refused.json()["code"]) == (403, "ticket_of_another")
    right = app.post("/v1/scans/pin", {"ticket": ticket, "pin": pin_of(pinned, 5), "visitor_id": "openid-1"}).json()
    assert right["pin"] == "right"


def test_who_may_not_enter_a_pin(edge: LocalEdge, pinned: Market, market: Market) -> None:
    anna, bert = edge.stranger(), edge.stranger()
    ticket = arrive(anna, pinned, 5)
    arrive(bert, pinned, 6)
    pin = pin_of(pinned, 5)
    preview = edge.stranger(user_agent="Googlebot/2.1").get(pinned.path(5), accept="text/html").headers["location"]
    plain = arrive(anna, market, 1)
    unknown = anna.get(f"/01/{GTIN}/21/00000000000000000000", accept="text/html").headers["location"].removeprefix("/s/")
    for who, sent, code in (
        (bert, ticket, "ticket_of_another"),
        (Client(edge=edge), ticket, "ticket_of_another"),
        (anna, preview.removeprefix("/s/"), "ticket_of_preview"),
        (anna, ticket[:-2] + "AA", "ticket_invalid"),
        (anna, plain, "pin_not_asked"),
        (anna, unknown, "pin_not_asked"),
    ):
        assert enter(who, sent, pin).json()["code"] == code
    for pin in ("", "12345", "1234567", "12345x", "１２３４５", "\u0661\u0662\u0663\u0664\u0665\u0666", "1" * 500):
        assert enter(anna, ticket, pin).json()["code"] == "pin_malformed"
    for body in (b"", b"[]", b'{"ticket": 1, "pin": "123456"}', b'{"pin": "123456"}'):
        assert anna.ask("POST", "/v1/scans/pin", body).json()["code"] == "pin_entry_malformed"
    pinned.clock.advance(tickets.TTL)
    assert enter(anna, ticket, pin).json()["code"] == "ticket_expired"
    assert pinned.redis.keys(functions.PIN_TRIES) == []


def test_the_pin_of_another_code_or_brand_is_wrong(edge: LocalEdge, pinned: Market) -> None:
    anna = edge.stranger()
    assert enter(anna, arrive(anna, pinned, 7), pin_of(pinned, 8)).json()["pin"] == "wrong"


def test_a_botnet_that_empties_the_codes_bucket_leaves_the_buyers_tries_alone(edge: LocalEdge, pinned: Market) -> None:
    owner = edge.stranger()
    ticket = arrive(owner, pinned, 9)
    for _ in range(5):
        edge.stranger().verdict(pinned.path(9))  # the six places of the code are taken
    pinned.clock.advance(timedelta(minutes=1))
    wrong, outcomes = wrong_for(pinned, 9), []
    for _ in range(24):
        bot = edge.stranger()
        outcomes.append(enter(bot, arrive(bot, pinned, 9), wrong).status)
    assert outcomes == [200] * 20 + [429] * 4
    assert enter(owner, ticket, pin_of(pinned, 9)).json()["pin"] == "right"


def test_a_rebuild_knows_proofs_and_spent_tries(edge: LocalEdge, pinned: Market, ingester: Ingester) -> None:
    anna, bert = edge.stranger(), edge.stranger()
    ticket, other = arrive(anna, pinned, 10), arrive(bert, pinned, 11)
    enter(anna, ticket, pin_of(pinned, 10))
    for _ in range(4):
        enter(bert, other, wrong_for(pinned, 11))
    stranger = edge.stranger()
    enter(stranger, arrive(stranger, pinned, 10), wrong_for(pinned, 10))
    pinned.clock.advance(timedelta(seconds=70))

    def held() -> dict[Any, Any]:
        patterns = (functions.STATES, functions.PIN_TRIES)
        keys = sorted(key for pattern in patterns for key in pinned.redis.scan_iter(match=pattern) if b":a:" not in key)
        return {key: pinned.redis.hgetall(key) for key in keys}

    before = held()
    assert any(key.startswith(b"pin:") for key in before)
    rebuild.rebuild(pinned.engine, pinned.redis, drain=ingester.drain, now=pinned.clock.now())
    assert held() == before
    with transaction(pinned.engine, tenant_id=pinned.tenant_id) as session:
        rows = session.scalars(select(PinTry)).all()
        assert sorted((row.outcome, row.lane) for row in rows) == [("right", "known"), *[("wrong", "known")] * 4]
        assert session.scalar(text("SELECT count(*) FROM log_dead_letter")) == 0
    edge.look_after()
    assert enter(anna, ticket, pin_of(pinned, 10)).json()["pin"] == "right"


def test_another_brand_sees_none_of_the_tries(edge: LocalEdge, pinned: Market, ingester: Ingester) -> None:
    anna = edge.stranger()
    enter(anna, arrive(anna, pinned, 12), "000000")
    ingester.drain()
    for tenant_id, rows in ((pinned.tenant_id, 1), (pinned.tenant_id + 1, 0)):
        with transaction(pinned.engine, tenant_id=tenant_id) as session:
            told = pin_history.of_code(session, tenant_id=tenant_id, epoch=0, counter=pinned.order.first_counter + 11)
            assert [(one.right, one.visitor) for one in told] == [(False, 1)] * rows
            assert len(session.scalars(select(PinTry)).all()) == rows


def test_the_pin_stands_in_no_log_answer_or_store(
    edge: LocalEdge, pinned: Market, ingester: Ingester, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    anna = edge.stranger()
    ticket = arrive(anna, pinned, 13)
    right, wrong = pin_of(pinned, 13), wrong_for(pinned, 13)
    answers = [enter(anna, ticket, pin) for pin in (wrong, wrong, wrong, right, "9" + wrong)]
    pinned.clock.advance(timedelta(minutes=2))
    answers.append(enter(anna, ticket, right))
    log = [pinned.redis.xrange(functions.log_key(partition)) for partition in range(functions.PARTITIONS)]
    ingester.drain()
    with transaction(pinned.engine, tenant_id=pinned.tenant_id) as session:
        rows = [str(row._mapping) for row in session.execute(text("SELECT * FROM pin_try"))]
    said = capfd.readouterr()
    everything = "\n".join(
        [said.out, said.err, caplog.text, repr(log), *rows]
        + [json.dumps(dict(one.headers)) + one.body.decode() for one in answers]
    )
    assert right not in everything
    assert wrong not in everything
    assert "123456" not in repr(Entered(asked=None, pin="123456", at=None, scan_id=None, visitor=b"", whence=b"", address=None))  # type: ignore[arg-type]


def test_a_signature_of_the_address_is_marked_and_decides_nothing(edge: LocalEdge, pinned: Market, ingester: Ingester) -> None:
    from_list = signed_path(pinned, 14)
    other = signed_path(pinned, 15).partition("?")[2]
    anna = edge.stranger()
    for path, mark in (
        (from_list, "signature_right"),
        (f"{from_list}&utm=x", "signature_right"),
        (f"{pinned.path(14)}?{other}", "signature_wrong"),
        (f"{pinned.path(14)}?s=AAAA", "signature_wrong"),
        (pinned.path(14), ""),
    ):
        answer = anna.get(path, accept="application/json").json()
        assert answer["verdict"] in {"genuine_first", "genuine_again"}
        assert {code for code in codes_of(answer) if code.startswith("signature")} == ({mark} if mark else set())
    reported = anna.post("/v1/scans", {"url": f"HTTPS://TEA.EXAMPLE{from_list}"}).json()
    assert "signature_right" in codes_of(reported)
    bert = edge.stranger()
    confirmed = bert.confirm(bert.open(from_list).partition("?")[0]).json()
    assert "signature_right" in codes_of(confirmed)
    ingester.drain()
    with transaction(pinned.engine, tenant_id=pinned.tenant_id) as session:
        marks = session.scalars(text("SELECT count(*) FROM scan WHERE reasons::text LIKE '%signature_right%'")).one()
    assert marks == 4


def test_codes_of_orders_that_are_not_signed_take_no_notice_of_s(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger().get(f"{market.path(1)}?s=AAAA", accept="application/json").json()
    assert answer["reasons"] == [{"code": "nobody_before", "value": None}]


def signed_path(market: Market, row: int) -> str:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        cipher = keyring.cipher(session, tenant_id=market.tenant_id, epoch=market.order.epoch, kek=market.settings.kek_bytes)
    addresses = url_signatures.addresses_of(market.order, cipher, origin="https://tea.example")
    return addresses.of_serial(market.serial(row)).removeprefix("HTTPS://TEA.EXAMPLE")
