"""A scan from the phone's request to the verdict, through the edge and a real Redis."""

from datetime import timedelta

from codegen import ranges
from tests.scanservice.conftest import GTIN, LocalEdge, Market


def test_the_first_program_is_first_and_then_again(edge: LocalEdge, market: Market) -> None:
    anna = edge.stranger()
    answer = anna.get(market.path(1), accept="application/json")
    assert answer.status == 200
    document = answer.json()
    assert document["verdict"] == "genuine_first"
    assert document["product"] == {"name": "Tea", "name_zh": "茶"}
    assert (document["gtin"], document["lot"], document["serial"]) == (GTIN, "L1", market.serial(1))
    assert anna.verdict(market.path(1)) == "genuine_again"


def test_a_browser_is_sent_on_with_a_ticket_and_a_cookie(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger().get(market.path(1), accept="text/html,*/*;q=0.8")
    assert answer.status == 307
    assert answer.headers["location"].startswith("/s/")
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_one_changed_character_is_counterfeit(edge: LocalEdge, market: Market) -> None:
    path = market.path(1)
    changed = path[:-1] + ("0" if path[-1] != "0" else "1")
    assert edge.stranger().verdict(changed) == "counterfeit"
    assert edge.stranger().verdict(path) == "genuine_first"


def test_a_second_visitor_sees_it_was_seen_and_the_first_is_still_trusted(edge: LocalEdge, market: Market) -> None:
    anna, bert = edge.stranger(), edge.stranger()
    assert anna.confirm(anna.open(market.path(1))).json()["verdict"] == "genuine_first"
    market.clock.advance(timedelta(minutes=5))
    assert bert.confirm(bert.open(market.path(1))).json()["verdict"] == "genuine_seen"
    market.clock.advance(timedelta(minutes=5))
    assert anna.confirm(anna.open(market.path(1))).json()["verdict"] == "genuine_again"


def test_a_code_that_was_not_released_is_inactive_and_leaves_no_stranger(edge: LocalEdge, market: Market) -> None:
    assert edge.stranger().verdict(market.path(91)) == "inactive"
    market.decide(ranges.activate, first=91, last=91)
    assert edge.stranger().verdict(market.path(91)) == "genuine_first"


def test_a_void_reaches_the_edge_with_the_next_scan(edge: LocalEdge, market: Market) -> None:
    assert edge.stranger().verdict(market.path(1)) == "genuine_first"
    market.decide(ranges.void, first=1, last=1, reason="stolen")
    answer = edge.stranger().get(market.path(1), accept="application/json").json()
    assert answer["verdict"] == "void"
    assert answer["reasons"] == [{"code": "void", "value": "stolen"}]
