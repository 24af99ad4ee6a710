"""`POST /v1/scans`: apps and devices, one scan or many."""

from uuid import UUID, uuid4

import pytest

from codegen.lifecycle import ranges
from scanservice.hot import functions, streams
from tests.scanservice.conftest import GTIN, LocalEdge, Market


def logged(market: Market) -> int:
    return sum(streams.length(market.redis, partition) for partition in range(functions.PARTITIONS))


def test_one_scan_by_url(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger().post("/v1/scans", {"url": market.url(1), "visitor_id": "phone-1"})
    assert answer.status == 200
    assert answer.json()["verdict"] == "genuine_first"
    assert UUID(answer.json()["scan_id"]).version == 7


def test_one_scan_by_what_somebody_typed(edge: LocalEdge, market: Market) -> None:
    typed = market.serial(1).lower().replace("0", "o")
    for named in ({"serial": typed}, {"serial": typed, "gtin": GTIN[1:]}):
        answer = edge.stranger().post("/v1/scans", {**named, "visitor_id": "phone-1"})
        assert answer.json()["verdict"] in {"genuine_first", "genuine_again"}
        assert answer.json()["serial"] == market.serial(1)


def test_visitors_are_told_apart_by_the_id_that_the_client_gives(edge: LocalEdge, market: Market) -> None:
    def verdict(visitor_id: str, client: str) -> str:
        asked = {"url": market.url(1), "visitor_id": visitor_id}
        return str(edge.stranger(user_agent=client).post("/v1/scans", asked).json()["verdict"])

    assert verdict("anna", "app/1") == "genuine_first"
    assert verdict("bert", "app/1") == "genuine_seen"
    assert verdict("anna", "app/2") == "genuine_again"


def test_the_same_scan_sent_twice_is_one_scan(edge: LocalEdge, market: Market) -> None:
    told = {"url": market.url(1), "visitor_id": "anna", "scan_id": str(uuid4())}
    first = edge.stranger().post("/v1/scans", told).json()
    edge.stranger().post("/v1/scans", {"url": market.url(1), "visitor_id": "bert"})
    again = edge.stranger().post("/v1/scans", told).json()
    assert (again["verdict"], again["scan_id"]) == ("genuine_first", first["scan_id"])
    assert logged(market) == 2


def test_nobody_takes_the_scan_id_of_another(edge: LocalEdge, market: Market) -> None:
    scan_id = str(uuid4())
    anna = edge.stranger().post("/v1/scans", {"url": market.url(1), "visitor_id": "anna", "scan_id": scan_id}).json()
    bert = edge.stranger().post("/v1/scans", {"url": market.url(1), "visitor_id": "bert", "scan_id": scan_id}).json()
    assert (anna["verdict"], bert["verdict"]) == ("genuine_first", "genuine_seen")
    assert anna["scan_id"] != bert["scan_id"]


def test_one_bad_item_spoils_no_other(edge: LocalEdge, market: Market) -> None:
    scans = [
        {"url": market.url(1), "visitor_id": "anna"},
        {"url": "https://tea.example/01/09521234543214/21/ABC"},
        {"serial": 5},
        {"visitor_id": "nobody"},
        {"url": market.url(2), "latitude": 100, "longitude": 0},
        {"url": market.url(3), "visitor_id": "anna", "latitude": 31.2, "longitude": 121.5},
    ]
    answer = edge.stranger().post("/v1/scans", {"scans": scans})
    assert answer.status == 200
    results = answer.json()["results"]
    assert [one.get("verdict") or one["code"] for one in results] == [
        "genuine_first",
        "dl_check_digit",
        "report_malformed",
        "code_not_named",
        "position_invalid",
        "genuine_first",
    ]
    assert [one["status"] for one in results] == [200, 400, 400, 422, 422, 200]
    assert logged(market) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "report_malformed"),
        (b"[1]", 400, "report_malformed"),
        (b'{"url": "ftp://tea.example/x"}', 400, "report_malformed"),
        (b'{"url": "https://tea.example/about"}', 400, "dl_key_missing"),
        (b'{"url": "http://' + b"a" * 5000 + b'/01/09521234543213/21/0816MZTTBH7PFP77PTNS"}', 400, "report_malformed"),
        (b'{"serial": "A", "gtin": "123"}', 422, "gtin_length"),
        (b'{"serial": "\\u0000"}', 422, "serial_malformed"),
        (b'{"serial": "' + b"A" * 30 + b'"}', 422, "serial_malformed"),
        (b'{"scans": []}', 422, "batch_too_long"),
        (b'{"scans": [' + b",".join([b"{}"] * 1001) + b"]}", 422, "batch_too_long"),
        (b'{"url": "' + b"x" * (1 << 20) + b'"}', 413, "body_too_large"),
    ],
)
def test_bad_bodies(edge: LocalEdge, market: Market, body: bytes, status: int, code: str) -> None:
    answer = edge.stranger().ask("POST", "/v1/scans", body, content_type="application/json")
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert logged(market) == 0


def test_a_thousand_at_once(edge: LocalEdge, market: Market) -> None:
    scans = [{"url": market.url(1 + number % 90), "visitor_id": f"v{number}"} for number in range(1000)]
    results = edge.stranger().post("/v1/scans", {"scans": scans}).json()["results"]
    assert sum(one["verdict"] == "genuine_first" for one in results) == 90
    assert logged(market) == 1000


def test_a_batch_tells_of_every_code_what_a_single_scan_tells(edge: LocalEdge, market: Market) -> None:
    """Whatever its standing, with others before and behind it, and the same again."""
    market.decide(ranges.freeze, first=2, last=2)
    market.decide(ranges.void, first=3, last=3, reason="stolen")
    market.decide(ranges.recall, first=4, last=4, reason="glass")
    edge.look_after()
    urls = [
        *(market.url(item) for item in (1, 2, 3, 4, 91)),
        market.url(1)[:-1] + ("0" if market.url(1)[-1] != "0" else "1"),
        market.url(5).replace(GTIN, "04006381333931"),
    ]
    anna, bert = edge.stranger(), edge.stranger()
    alone = [anna.post("/v1/scans", {"url": url, "visitor_id": "anna"}).json() for url in urls]
    together = bert.post("/v1/scans", {"scans": [{"url": url, "visitor_id": "bert"} for url in urls]}).json()["results"]
    assert [one["verdict"] for one in alone] == [
        "genuine_first",
        "inactive",
        "void",
        "recalled",
        "inactive",
        "counterfeit",
        "counterfeit",
    ]
    unlike = {"scan_id", "ticket"}
    for single, one in zip(alone[1:], together[1:], strict=True):
        assert {**one, "status": 200} == one
        assert {key: value for key, value in one.items() if key not in unlike | {"status"}} == {
            key: value for key, value in single.items() if key not in unlike
        }
    assert together[0]["verdict"] == "genuine_seen"
