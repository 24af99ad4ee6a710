"""Who reports by `/v1/scans`: only keys are believed about roles, addresses and times, and only as far as their scopes go."""

from datetime import datetime, timedelta

import pytest

from codegen import catalogue_version
from kit.db import transaction
from kit.ids import uuid7
from scanservice import api_keys, catalogue
from scanservice.api_keys import Scope
from scanservice.edge import devices, throttling
from scanservice.ingest.ingesting import Ingester
from scanservice.models import Scan
from tests.scanservice.conftest import LocalEdge, Market


def key(market: Market, *scopes: Scope, scans_per_s: int = 100) -> dict[str, str]:
    """The header of a new key that the edges know of."""
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        session.info[catalogue_version.TELL] = lambda version: catalogue.announce(market.redis, version)
        made = api_keys.add(
            session,
            tenant_id=market.tenant_id,
            key_id=uuid7(market.clock.now()),
            name=" ".join(scopes),
            scopes=scopes,
            scans_per_s=scans_per_s,
            actor="test",
            now=market.clock.now(),
        )
    return {"authorization": f"Bearer {made.secret}"}


def told(at: datetime) -> str:
    return at.isoformat()


@pytest.mark.parametrize("role", ["shop", "staff"])
def test_a_shops_or_warehouses_scan_is_no_strangers(edge: LocalEdge, market: Market, role: str) -> None:
    allowed = key(market, Scope(f"scan.{role}"))
    edge.look_after()
    scanned = edge.stranger().post("/v1/scans", {"url": market.url(1), "role": role}, **allowed)
    assert scanned.json()["verdict"] == "genuine_first"
    bought = edge.stranger().post("/v1/scans", {"url": market.url(1), "visitor_id": "buyer"}).json()
    assert bought["verdict"] == "genuine_seen"
    assert "staff_before" in {reason["code"] for reason in bought["reasons"]}


@pytest.mark.parametrize(
    "said", [{"role": "staff"}, {"ip": "203.0.113.9"}, {"scanned_at": "2026-11-22T08:00:00Z"}], ids=["role", "ip", "time"]
)
def test_without_a_key_nobody_is_believed(edge: LocalEdge, market: Market, said: dict[str, str]) -> None:
    refused = edge.stranger().post("/v1/scans", {"url": market.url(1), **said})
    assert (refused.status, refused.json()["code"]) == (401, "key_needed")


@pytest.mark.parametrize("header", ["Bearer omk_nobodys", "Bearer x", "Basic b21rXw=="])
def test_an_unknown_key_is_refused_and_not_taken_for_none(edge: LocalEdge, market: Market, header: str) -> None:
    refused = edge.stranger().post("/v1/scans", {"url": market.url(1)}, authorization=header)
    assert (refused.status, refused.json()["code"]) == (401, "key_refused")


def test_a_key_says_no_more_than_its_scopes(edge: LocalEdge, market: Market) -> None:
    shop = key(market, Scope.SHOP)
    edge.look_after()
    client = edge.stranger()
    asked = [
        {"url": market.url(1), "role": "staff"},
        {"url": market.url(1), "visitor_id": "buyer"},
        {"url": market.url(1), "role": "shop", "scanned_at": told(market.clock.now())},
    ]
    results = client.post("/v1/scans", {"scans": asked}, **shop).json()["results"]
    assert [result["code"] for result in results] == ["scope_missing"] * 3


def test_users_of_one_app_are_told_apart_though_one_server_asks_for_them(edge: LocalEdge, market: Market) -> None:
    app = key(market, Scope.SCAN)
    edge.look_after()
    client = edge.stranger()

    def verdict(**said: str) -> str:
        return str(client.post("/v1/scans", {"url": market.url(1), **said}, **app).json()["verdict"])

    assert client.post("/v1/scans", {"url": market.url(1)}, **app).json()["code"] == "visitor_missing"
    assert verdict(visitor_id="anna", ip="198.51.100.7") == "genuine_first"
    assert verdict(visitor_id="bert", ip="198.51.100.8") == "genuine_again", "the same household"
    assert verdict(visitor_id="carl") == "genuine_seen", "no address, no household"
    for ip in ("kitchen", "2001:db8::" + "0" * 100):
        assert client.post("/v1/scans", {"url": market.url(1), "visitor_id": "d", "ip": ip}, **app).status == 422


def test_scans_collected_without_a_connection_keep_their_own_time(edge: LocalEdge, market: Market, ingester: Ingester) -> None:
    offline = key(market, Scope.STAFF, Scope.OFFLINE)
    edge.look_after()
    now = market.clock.now()
    slow_by, read_ago = timedelta(minutes=10), timedelta(hours=3)
    report = {"url": market.url(1), "role": "staff", "scanned_at": told(now - slow_by - read_ago)}
    body = {"sent_at": told(now - slow_by), "scans": [report]}
    (answer,) = edge.stranger().post("/v1/scans", body, **offline).json()["results"]
    marks = {reason["code"]: reason["value"] for reason in answer["reasons"]}
    assert marks["reported_late_s"] == read_ago.total_seconds()
    assert marks["clock_skew_s"] == slow_by.total_seconds()
    ingester.drain()
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        (row,) = session.query(Scan).filter(Scan.tenant_id == market.tenant_id)
    assert row.scanned_at == now - read_ago
    assert ["clock_skew_s", 600] in row.reasons


@pytest.mark.parametrize(
    "ago", [devices.LATE_MAX + timedelta(minutes=1), -devices.AHEAD_MAX - timedelta(minutes=1)], ids=["too late", "in the future"]
)
def test_a_time_that_no_clock_explains_is_refused(edge: LocalEdge, market: Market, ago: timedelta) -> None:
    offline = key(market, Scope.STAFF, Scope.OFFLINE)
    edge.look_after()
    report = {"url": market.url(1), "role": "staff", "scanned_at": told(market.clock.now() - ago)}
    assert edge.stranger().post("/v1/scans", report, **offline).json()["code"] == "time_outside"
    body = {"sent_at": told(market.clock.now() - timedelta(days=2)), "scans": [report]}
    assert edge.stranger().post("/v1/scans", body, **offline).json()["code"] == "clock_broken"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_the_calendar_are_refused_beside_other_scans(edge: LocalEdge, market: Market, at: str) -> None:
    offline = key(market, Scope.STAFF, Scope.OFFLINE)
    edge.look_after()
    for off in (timedelta(hours=1), -timedelta(hours=1)):
        body = {
            "sent_at": told(market.clock.now() - off),
            "scans": [{"url": market.url(1), "role": "staff", "scanned_at": at}, {"url": market.url(1), "role": "staff"}],
        }
        refused, kept = edge.stranger().post("/v1/scans", body, **offline).json()["results"]
        assert (refused["code"], kept["status"]) == ("time_outside", 200)


def test_who_tries_codes_through_an_app_uses_up_nobody_elses_tries(edge: LocalEdge, market: Market) -> None:
    app = key(market, Scope.SCAN)
    edge.look_after()

    def tried(visitor_id: str, number: int) -> list[int]:
        scans = [{"serial": f"TRY{row}", "visitor_id": visitor_id} for row in range(number)]
        results = edge.stranger().post("/v1/scans", {"scans": scans}, **app).json()["results"]
        return [result["status"] for result in results]

    assert tried("mallory", throttling.BURST + 2)[-3:] == [200, 429, 429]
    assert tried("anna", 1) == [200]


def test_times_that_a_device_names_bring_no_more_tries(edge: LocalEdge, market: Market) -> None:
    offline = key(market, Scope.STAFF, Scope.OFFLINE)
    edge.look_after()
    now = market.clock.now()
    scans = [
        {"serial": f"TRY{row}", "role": "staff", "scanned_at": told(now - timedelta(days=row % 2))}
        for row in range(throttling.BURST * 2)
    ]
    results = edge.stranger().post("/v1/scans", {"scans": scans}, **offline).json()["results"]
    assert sum(result["status"] == 200 for result in results) <= throttling.BURST + 1


def test_a_key_reports_as_many_scans_as_it_may(edge: LocalEdge, market: Market) -> None:
    app = key(market, Scope.SCAN, scans_per_s=1)
    edge.look_after()
    client = edge.stranger()
    batch = {"scans": [{"url": market.url(1), "visitor_id": "anna"}] * devices.BURST_MIN}
    assert client.post("/v1/scans", batch, **app).status == 200
    refused = client.post("/v1/scans", {"url": market.url(1), "visitor_id": "anna"}, **app)
    assert (refused.status, refused.json()["code"]) == (429, "key_busy")
    assert int(refused.headers["retry-after"]) >= 1


def test_a_revoked_key_is_refused(edge: LocalEdge, market: Market) -> None:
    app = key(market, Scope.SCAN)
    edge.look_after()
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        session.info[catalogue_version.TELL] = lambda version: catalogue.announce(market.redis, version)
        (made,) = api_keys.listing(session, tenant_id=market.tenant_id)
        api_keys.revoke(session, tenant_id=market.tenant_id, key_id=made.id, actor="test", now=market.clock.now())
    edge.look_after()
    assert edge.stranger().post("/v1/scans", {"url": market.url(1), "visitor_id": "anna"}, **app).status == 401
