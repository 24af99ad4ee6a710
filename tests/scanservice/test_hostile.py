"""What nobody means well with: odd bytes everywhere, bodies that lie about their length, names that somebody else was given."""

import json
from collections import Counter
from typing import Any

import crawleruseragents
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen import brands, products
from kit import seals
from kit.db import transaction
from scanservice import tickets
from scanservice.edge import beacons, clients, http, pins, reports, throttling
from scanservice.hot import functions, streams
from scanservice.tickets import Stage
from tests.scanservice.conftest import GTIN, OTHER_GTIN, Client, LocalEdge, Market

JSON = "application/json"

# What an HTTP server lets through: no control characters in a target, none but tabs in a value.
TARGET = st.lists(st.sampled_from([*range(0x21, 0x23), *range(0x24, 0x3F), *range(0x40, 0x7F)]), max_size=60).map(bytes)
VALUE = st.lists(st.sampled_from([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)]), max_size=80).map(bytes)
NAMES = (
    b"host",
    b"accept",
    b"accept-language",
    b"user-agent",
    b"cookie",
    b"content-type",
    b"content-length",
    b"transfer-encoding",
    b"connection",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"sec-purpose",
)
LIKELY = st.sampled_from(
    [
        b"tea.example",
        b"[::1",
        b"a:b:c",
        b"text/html",
        b"application/json",
        b"application/linkset+json",
        b"om_v=short",
        b"om_v=" + b"A" * 22,
        b"om_v=" + b"=" * 22 + b"; om_v=" + b"B" * 22,
        b"application/x-www-form-urlencoded",
        b"18446744073709551616",
        b"9" * 5000,
        b"-1",
        b"chunked",
        b"close, x-forwarded-for",
        b"10.0.0.1, unknown, [::1]:80, 1.2.3.4:99",
        b", ,, ",
        b"prefetch",
    ]
)
HEADERS = st.dictionaries(st.sampled_from(NAMES), st.one_of(LIKELY, VALUE), max_size=8)
WORDS = st.one_of(
    st.text(max_size=40), st.sampled_from([GTIN, "\ud800", "\0", "A" * 20, "https://[x/", "HTTPS://TEA.EXAMPLE/01/1/21/2"])
)
NUMBERS = st.one_of(st.floats(), st.integers(), st.none(), WORDS)
MEMBERS = st.dictionaries(
    st.sampled_from(["url", "serial", "gtin", "visitor_id", "scan_id", "ticket", "latitude", "longitude", "accuracy_m", "scans"]),
    st.one_of(WORDS, NUMBERS, st.lists(st.dictionaries(st.sampled_from(["url", "serial"]), WORDS), max_size=3)),
)


def as_json(value: object) -> bytes:
    """With the standard library, because it also writes what is no Unicode."""
    return json.dumps(value).encode()


BODIES = st.one_of(st.binary(max_size=60), MEMBERS.map(as_json), TARGET.map(lambda ticket: b"ticket=" + ticket))


@st.composite
def targets(draw: st.DrawFn) -> bytes:
    start = draw(
        st.sampled_from(
            [b"/01/" + GTIN.encode() + b"/21/", b"/01/", b"/", b"/s/", beacons.PATH, reports.PATH, b"/readyz", b"/%", b""]
        )
    )
    return b"/" + (start + draw(TARGET)).removeprefix(b"/") if draw(st.booleans()) else start or b"/"


def scope_of(method: str, target: bytes, headers: dict[bytes, bytes], client: Any) -> dict[str, Any]:
    path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": list(headers.items()),
        "client": client,
    }


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "QUERY"]),
    target=targets(),
    headers=HEADERS,
    body=st.one_of(BODIES, st.lists(BODIES, max_size=3)),
    whole=st.booleans(),
    client=st.sampled_from([("203.0.113.9", "1"), ("10.1.1.1", "1"), ("", ""), ("fe80::1%eth0", "2"), None]),
)
def test_whatever_comes_gets_an_answer_and_never_an_error_of_ours(
    trusting_edge: LocalEdge,
    method: str,
    target: bytes,
    headers: dict[bytes, bytes],
    body: Any,
    whole: bool,  # noqa: FBT001
    client: Any,
) -> None:
    asked = {"scope": scope_of(method, target, headers, client), "body": body, "whole": whole}
    (answer,) = trusting_edge.together([asked])
    assert answer.status != 500
    assert answer.status < 600
    if "json" in answer.headers.get("content-type", "") and answer.body:
        msgspec.json.decode(answer.body)


def logged(market: Market) -> int:
    return sum(streams.length(market.redis, partition) for partition in range(functions.PARTITIONS))


def report(market: Market, row: int) -> bytes:
    return b'{"url": "%b"}' % market.url(row).encode()


@pytest.mark.parametrize(
    ("path", "bytes_max"), [("/v1/scans", reports.BODY_BYTES_MAX), ("/v1/scans/confirm", beacons.BODY_BYTES_MAX)]
)
def test_a_body_above_its_limit_is_refused_whatever_length_was_announced(
    edge: LocalEdge, market: Market, path: str, bytes_max: int
) -> None:
    for announced in ({}, {"content_length": "10"}, {"content_length": str(bytes_max + 1)}, {"content_length": "9" * 5000}):
        asked = edge.stranger().asking("POST", path, b"", **announced)
        (answer,) = edge.together([{**asked, "body": [b" " * 4096] * (bytes_max // 4096 + 1)}])
        assert (answer.status, answer.json()["code"]) == (413, "body_too_large")
    assert logged(market) == 0


@pytest.mark.parametrize("path", [reports.PATH, beacons.PATH, pins.PATH], ids=bytes.decode)
def test_a_body_nested_deeper_than_anybody_reads_is_malformed(edge: LocalEdge, market: Market, path: bytes) -> None:
    deep = b"[" * 3000 + b"]" * 3000
    for body in (b'{"x": %b}' % deep, b'{"scans": [{"x": %b}]}' % deep):
        answer = edge.stranger().ask("POST", path.decode(), body, content_type=JSON)
        assert answer.status == 400
        assert answer.json()["code"].endswith("_malformed")
    assert logged(market) == 0


def test_the_resolver_is_no_way_round_the_limit_of_invented_codes(edge: LocalEdge, market: Market) -> None:
    phone = edge.stranger()

    def told(serial: str) -> int:
        return phone.get(f"/01/{GTIN}/21/{serial}?linkType=linkset", accept="*/*").status

    assert {told(f"TRY{number:017}") for number in range(throttling.BURST)} == {404}
    assert told("TRYMORE") == 429
    assert told(market.serial(1)) == 200


def test_a_body_that_breaks_off_is_no_scan_although_it_reads_like_one(edge: LocalEdge, market: Market) -> None:
    asked = edge.stranger().asking("POST", "/v1/scans", b"")
    (answer,) = edge.together([{**asked, "body": [report(market, 1)], "whole": False}])
    assert (answer.status, answer.json()["code"]) == (400, "body_cut")
    assert logged(market) == 0
    (answer,) = edge.together([{**asked, "body": [bytes([byte]) for byte in report(market, 1)]}])
    assert answer.json()["verdict"] == "genuine_first"


def test_a_body_that_never_comes_is_not_waited_for_for_ever(
    edge: LocalEdge, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BODY_S_MAX", 0.01)
    (answer,) = edge.together([edge.stranger().asking("POST", "/v1/scans", None, content_length="30")])
    assert (answer.status, answer.json()["code"]) == (408, "body_late")
    assert logged(market) == 0


@pytest.mark.parametrize("cookie", ["om_v=short", "om_v=" + "A" * 23, "om_v=" + "A" * 21 + "%", "xom_v=" + "A" * 22, "om_v"])
def test_a_cookie_of_another_shape_is_nobodys_and_is_replaced(edge: LocalEdge, market: Market, cookie: str) -> None:
    answer = edge.stranger().get(market.path(1), accept="text/html", cookie=cookie)
    (made,) = answer.cookies
    assert len(made.partition(";")[0]) == len("om_v=") + 22


def test_a_stranger_who_names_other_addresses_stays_at_one(edge: LocalEdge, trusting_edge: LocalEdge) -> None:
    for at, peer, header in (
        (edge, "203.0.113.50", "9.9.{}.9"),
        (trusting_edge, "203.0.113.50", "9.9.{}.9"),
        (trusting_edge, "10.0.0.7", "9.9.{}.9, 198.51.100.50"),
    ):
        forger = Client(edge=at, ip=peer)
        asks = [
            forger.asking("GET", f"/01/{GTIN}/21/{number:020}", accept=JSON, x_forwarded_for=header.format(number))
            for number in range(40)
        ]
        assert Counter(answer.status for answer in at.together(asks)) == {200: 30, 429: 10}


def test_an_address_can_be_as_long_as_a_line_and_no_longer(edge: LocalEdge, market: Market) -> None:
    short, long = market.path(1) + "?" + "a" * 2048, market.path(1) + "?" + "a" * 2049
    assert edge.stranger().get(short, accept="text/html").status == 307
    assert edge.stranger().get(long, accept="text/html").status == 400
    assert edge.stranger().get("/01/" + "1" * 60_000, accept=JSON).json()["code"] == "dl_syntax"
    assert logged(market) == 1


def test_a_short_code_under_a_host_of_two_brands_is_not_taken_for_the_first_ones(edge: LocalEdge, market: Market) -> None:
    now = market.clock.now()
    with transaction(market.engine, tenant_id=None) as session:
        other = brands.create(
            session,
            slug="coffee",
            name="Coffee House",
            scan_origin="https://tea.example",
            gtin_prefixes=("952",),
            kek=market.settings.kek_bytes,
            now=now,
        )
        products.add(session, tenant_id=other.tenant_id, gtin=OTHER_GTIN, name="Coffee", now=now)
    edge.look_after()
    answer = edge.stranger().get(f"/{market.serial(1)}", accept=JSON)
    assert (answer.status, answer.json()["code"]) == (404, "brand_unclear")
    reported = edge.stranger().post("/v1/scans", {"serial": market.serial(1)})
    assert (reported.status, reported.json()["code"]) == (404, "brand_unclear")
    assert logged(market) == 0
    assert edge.stranger().verdict(market.path(1)) == "genuine_first"
    assert edge.stranger().verdict(market.path(1, gtin=OTHER_GTIN)) == "counterfeit"


def test_a_preview_names_its_code_so_that_a_person_can_check_it(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger(user_agent="WhatsApp/2.23.20 A").get(market.path(1), accept="text/html")
    key = seals.derive(market.settings.secret_bytes, tickets.KEY_PURPOSE)
    ticket = tickets.read(answer.headers["location"].removeprefix("/s/"), key=key, now=market.clock.now())
    assert (ticket.stage, ticket.gtin, ticket.serial) == (Stage.PREVIEW, GTIN, market.serial(1))


def test_every_crawler_of_the_list_is_known() -> None:
    agents = [agent for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
    # Tools are no crawlers: what they ask for, somebody asked on purpose.
    tools = ("curl", "wget", "python", "http", "axios", "fetch", "headless", "java", "go-", "okhttp", "perl")
    missed = [agent for agent in agents if not clients.is_crawler(agent) and not any(tool in agent.lower() for tool in tools)]
    assert missed == []
    assert len(agents) > 1000
