"""The hot path answers what the usual way answers, byte for byte, and leaves the same in the log and in the state."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit import ids
from scanservice import visitors
from scanservice.edge.printed import Printed
from scanservice.edge.throttling import Buckets
from scanservice.hot import functions
from tests.scanservice.conftest import GTIN, OTHER_GTIN, PHONE, Client, LocalEdge, Market, Response

ACCEPTS = (
    "application/json",
    "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "*/*",
    "application/linkset+json",
    "application/json, text/html",
    "application/json, text/plain, */*",
    "application/json, application/linkset+json",
    "",
)
AGENTS = (PHONE, "okhttp/4.12.0", "curl/8.5", "WhatsApp/2.23.20 A", PHONE + " MicroMessenger/8.0.50", "", "x" * 400)
COOKIES = ("", "om_v=" + "A" * 22, "om_v=short", "a=b; om_v=" + "B" * 22)
MORE: tuple[dict[str, str], ...] = (
    {},
    {"sec-purpose": "prefetch"},
    {"purpose": "whatever"},
    {"host": "192.168.1.5:8000"},
    {"accept-language": "zh-CN,zh;q=0.9"},
    {"x-forwarded-for": "198.51.100.9", "x-forwarded-proto": "https", "x-forwarded-host": "tea.example"},
)


@st.composite
def asks(draw: st.DrawFn) -> dict[str, Any]:
    """Requests near the printed one, most of them unusual in one way."""
    row = draw(st.integers(min_value=1, max_value=4) | st.integers(min_value=89, max_value=100))
    return {
        "method": draw(st.sampled_from(["GET"] * 6 + ["HEAD", "OPTIONS", "POST"])),
        "row": row,
        "gtin": draw(st.sampled_from([GTIN] * 6 + [OTHER_GTIN, "0" * 13 + "1"])),
        "ending": draw(st.sampled_from([""] * 6 + ["/", "?", "?a=b", "?linkType=all", "0"])),
        "ip": draw(st.sampled_from(["203.0.113.7", "10.1.2.3", "127.0.0.1", "2001:db8::1"])),
        "headers": {
            "accept": draw(st.sampled_from(ACCEPTS)),
            "user-agent": draw(st.sampled_from(AGENTS)),
            "cookie": draw(st.sampled_from(COOKIES)),
            **draw(st.sampled_from(MORE)),
        },
    }


def answers(edge: LocalEdge, market: Market, wanted: list[dict[str, Any]]) -> list[Response]:
    """One after another, from the same beginning: the same codes unscanned, the same numbers drawn."""
    for key in (*market.redis.scan_iter("s:*"), *market.redis.scan_iter("log:*")):
        market.redis.delete(key)
    found: list[Response] = []
    for one in wanted:
        asking = Client(edge=edge, ip=one["ip"]).asking(
            one["method"],
            market.path(one["row"], gtin=one["gtin"]) + one["ending"],
            b"",
            **{name: value for name, value in one["headers"].items() if value or name == "user-agent"},
        )
        asking["scope"]["headers"] = list(dict(asking["scope"]["headers"]).items())
        found += edge.together([asking])
    return found


def left_behind(market: Market) -> dict[str, Any]:
    logs = {key: market.redis.xrange(key) for key in map(functions.log_key, range(functions.PARTITIONS))}
    states = {key: market.redis.hgetall(key) for key in sorted(market.redis.scan_iter("s:*"))}
    return {"logs": {key: entries for key, entries in logs.items() if entries}, "states": states}


@pytest.fixture
def drawn_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids and cookies that do not differ between two runs, and no bucket that the first of them empties."""
    monkeypatch.setattr(Buckets, "take", lambda _self, _key, *, now_s: None)  # noqa: ARG005 - the name is the caller's
    monkeypatch.setattr(ids, "uuid7_at", lambda at_ms: UUID(int=(at_ms << 80) | (7 << 76) | (2 << 62)))
    monkeypatch.setattr(visitors, "new_cookie", lambda: b"C" * 22)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(asks(), min_size=1, max_size=6))
@pytest.mark.usefixtures("drawn_alike")
def test_both_ways_give_the_same_answers_and_leave_the_same_behind(
    trusting_edge: LocalEdge, market: Market, wanted: list[dict[str, Any]]
) -> None:
    quick = answers(trusting_edge, market, wanted), left_behind(market)
    trusting_edge.goes_straight = False
    usual = answers(trusting_edge, market, wanted), left_behind(market)
    trusting_edge.goes_straight = True
    assert quick == usual


def test_what_is_printed_goes_the_quick_way(edge: LocalEdge, market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    straight = Printed.straight

    def noted(*given: Any) -> bool:
        begun.append(straight(*given))
        return begun[-1]

    monkeypatch.setattr(Printed, "straight", noted)
    stranger = edge.stranger()
    stranger.verdict(market.path(1))
    stranger.open(market.path(2))
    stranger.get(market.path(3) + "?a=b", accept="text/html")
    stranger.get(f"/01/{GTIN}/21/{'0' * 20}", accept="application/json")
    assert begun == [True, True, False, False]
