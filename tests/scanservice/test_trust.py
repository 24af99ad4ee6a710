"""How far a report is believed: users whom only a key can name, addresses that report much, positions that say nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest

from codegen import catalogue_version
from kit.db import transaction
from scanservice import api_keys, catalogue, queries, visitors
from scanservice.api_keys import Scope
from scanservice.edge.devices import BURST_MIN
from scanservice.edge.parts import ACCURACY_M_MAX
from scanservice.edge.scanning import KEY_BURST, Position
from scanservice.ingest.ingesting import Ingester
from scanservice.models import Scan
from tests.scanservice.conftest import LocalEdge, Market
from tests.scanservice.test_devices import key


def test_nobody_without_a_key_is_a_user_of_an_app(edge: LocalEdge, market: Market) -> None:
    app = key(market, Scope.SCAN)
    edge.look_after()
    told = {"url": market.url(1), "visitor_id": "user-1", "scan_id": str(uuid4())}
    liar = edge.stranger().post("/v1/scans", told).json()
    owner = edge.stranger().post("/v1/scans", told, **app).json()
    assert owner["scan_id"] != liar["scan_id"]
    assert owner["verdict"] == "genuine_seen"
    assert edge.stranger().post("/v1/scans", told, **app).json()["scan_id"] == owner["scan_id"]
    assert edge.stranger().post("/v1/scans", {**told, "scan_id": str(uuid4())}, **app).json()["verdict"] == "genuine_again"
    again = edge.stranger().post("/v1/scans", {**told, "scan_id": str(uuid4())}).json()
    mine = {reason["code"]: reason["value"] for reason in again["reasons"]}
    assert "mine_last_at" not in mine or mine["mine_first_at"] == mine["mine_last_at"]


def test_an_address_without_a_key_reports_so_much_and_no_more(edge: LocalEdge, market: Market) -> None:
    many, other = edge.stranger(), edge.stranger()
    full = {"scans": [{"url": market.url(1 + number % 90)} for number in range(BURST_MIN)]}
    assert many.post("/v1/scans", full).status == 200
    refused = many.post("/v1/scans", {"url": market.url(1)})
    assert (refused.status, refused.json()["code"]) == (429, "address_busy")
    assert "retry-after" in refused.headers
    assert other.post("/v1/scans", {"url": market.url(1)}).status == 200
    app = key(market, Scope.SCAN)
    edge.look_after()
    assert many.post("/v1/scans", {"url": market.url(1), "visitor_id": "anna"}, **app).status == 200
    assert many.get(market.path(1), accept="application/json").status == 200


def test_a_key_tries_only_so_many_serials_that_nobody_made(edge: LocalEdge, market: Market) -> None:
    app = key(market, Scope.SCAN, scans_per_s=5000)
    edge.look_after()
    made_up = market.serial(1)[:-4]

    def scans(first: int) -> list[dict[str, str]]:
        return [
            {"url": f"{market.url(1)[:-20]}{made_up}{number:04d}", "visitor_id": f"v{number}", "ip": f"198.51.{number % 200}.7"}
            for number in range(first, first + 1000)
        ]

    for first, spent in ((0, False), (1000, True)):
        results = edge.stranger().post("/v1/scans", {"scans": scans(first)}, **app).json()["results"]
        refused = [one for one in results if one.get("code") == "too_many_invalid"]
        assert (len(refused) > 1000 - KEY_BURST // 100) == spent
    good = edge.stranger().post("/v1/scans", {"url": market.url(1), "visitor_id": "anna"}, **app)
    assert good.json()["verdict"] == "genuine_first"


def test_a_position_that_may_be_anywhere_says_no_more_than_the_address(edge: LocalEdge) -> None:
    running = edge._app.running
    assert running is not None
    address = visitors.address("198.51.100.7")

    def whence(accuracy_m: float) -> bytes:
        return running.parts.whence(address, Position(latitude=43.8, longitude=87.6, accuracy_m=accuracy_m))

    assert whence(ACCURACY_M_MAX + 1) == running.parts.whence(address)
    assert whence(ACCURACY_M_MAX) != running.parts.whence(address)


def test_a_revoked_key_reports_nothing_more_though_no_edge_has_heard_of_it(edge: LocalEdge, market: Market) -> None:
    allowed = key(market, Scope.STAFF)
    edge.look_after()
    body = {"scans": [{"url": market.url(number), "role": "staff"} for number in range(1, 51)]}
    client = edge.stranger()
    assert client.post("/v1/scans", body, **allowed).json()["results"][0]["status"] == 200
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        session.info[catalogue_version.TELL] = lambda version: catalogue.announce(market.redis, version)
        (known,) = api_keys.listing(session, tenant_id=market.tenant_id)
        api_keys.revoke(session, tenant_id=market.tenant_id, key_id=known.id, actor="test", now=market.clock.now())
    results = client.post("/v1/scans", body, **allowed).json()["results"]
    assert {(one["status"], one.get("code")) for one in results} == {(401, "key_refused")}


@pytest.mark.parametrize("later", [timedelta(hours=2), timedelta(days=20)])
def test_a_device_that_sends_its_scan_again_much_later_sends_no_second_one(
    edge: LocalEdge, market: Market, ingester: Ingester, later: timedelta
) -> None:
    offline = key(market, Scope.SCAN, Scope.OFFLINE)
    edge.look_after()
    read_at = market.clock.now() - timedelta(hours=1)
    report = {"url": market.url(1), "visitor_id": "anna", "scan_id": str(uuid4()), "scanned_at": read_at.isoformat()}

    def send() -> None:
        now = market.clock.now()
        body = {"sent_at": (now - timedelta(milliseconds=now.microsecond // 1000 + 7)).isoformat(), "scans": [report]}
        (answer,) = edge.stranger().post("/v1/scans", body, **offline).json()["results"]
        assert answer["status"] == 200

    send()
    ingester.drain()
    market.clock.advance(later + timedelta(milliseconds=80))
    for name in market.redis.scan_iter("*done:*"):
        market.redis.delete(name)
    send()
    ingester.drain()
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        (row,) = session.query(Scan).filter(Scan.tenant_id == market.tenant_id)
        totals = queries.totals_by_day(
            session, tenant_id=market.tenant_id, since=read_at.date(), until=market.clock.now().date() + timedelta(days=1)
        )
    assert abs(row.scanned_at - read_at) < timedelta(seconds=1)
    assert sum(total.scans for total in totals) == 1
