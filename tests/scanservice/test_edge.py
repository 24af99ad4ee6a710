"""A scan from the phone's request to the verdict, through the edge and a real Redis."""

from collections import Counter
from datetime import timedelta

import pytest

from codegen import brands, orders, products
from codegen.keys import keyring
from codegen.lifecycle import ranges
from kit.db import transaction
from scanservice.hot import functions, streams
from tests.scanservice.conftest import GTIN, OTHER_GTIN, PHONE, Client, LocalEdge, Market

JSON = "application/json"


def logged(market: Market) -> int:
    return sum(streams.length(market.redis, partition) for partition in range(functions.PARTITIONS))


def verdicts_of(edge: LocalEdge, asks: list[dict[str, object]]) -> Counter[str]:
    answers = edge.together(asks)
    assert {answer.status for answer in answers} == {200}
    return Counter(str(answer.json()["verdict"]) for answer in answers)


def test_the_first_program_is_first_and_then_again(edge: LocalEdge, market: Market) -> None:
    anna = edge.stranger()
    answer = anna.get(market.path(1), accept=JSON)
    assert answer.status == 200
    document = answer.json()
    assert document["verdict"] == "genuine_first"
    assert document["product"] == {"name": "Tea", "name_zh": "茶"}
    assert (document["gtin"], document["lot"], document["serial"]) == (GTIN, "L1", market.serial(1))
    assert anna.verdict(market.path(1)) == "genuine_again"


def test_a_browser_is_sent_on_with_a_ticket_and_a_cookie(edge: LocalEdge, market: Market) -> None:
    anna = edge.stranger()
    answer = anna.get(market.path(1) + "?17=281231&utm=x", accept="text/html,*/*;q=0.8")
    assert answer.status == 307
    assert answer.headers["location"].startswith("/s/")
    assert answer.headers["location"].endswith("?17=281231&utm=x")
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert "set-cookie" not in anna.get(market.path(1), accept="text/html").headers


def test_one_changed_character_is_counterfeit_wherever_it_stands(edge: LocalEdge, market: Market) -> None:
    serial = market.serial(1)
    for place in (0, 1, 10, 19):
        changed = serial[:place] + ("0" if serial[place] != "0" else "1") + serial[place + 1 :]
        answer = edge.stranger().get(f"/01/{GTIN}/21/{changed}", accept=JSON).json()
        assert answer["verdict"] == "counterfeit"
        assert "product" not in answer
    assert edge.stranger().verdict(market.path(1)) == "genuine_first"


def test_a_genuine_serial_under_another_gtin_is_counterfeit(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger().get(market.path(1, gtin=OTHER_GTIN), accept=JSON).json()
    assert (answer["verdict"], answer["reasons"]) == ("counterfeit", [{"code": "wrong_gtin", "value": None}])


def test_a_second_visitor_sees_it_was_seen_and_the_first_is_still_trusted(edge: LocalEdge, market: Market) -> None:
    anna, bert = edge.stranger(), edge.stranger()
    assert anna.confirm(anna.open(market.path(1))).json()["verdict"] == "genuine_first"
    market.clock.advance(timedelta(minutes=5))
    assert bert.confirm(bert.open(market.path(1))).json()["verdict"] == "genuine_seen"
    market.clock.advance(timedelta(minutes=5))
    assert anna.confirm(anna.open(market.path(1))).json()["verdict"] == "genuine_again"


def test_a_second_phone_at_home_is_no_stranger(edge: LocalEdge, market: Market) -> None:
    anna, bert = Client(edge=edge, ip="198.51.100.7"), Client(edge=edge, ip="198.51.100.250")
    anna.confirm(anna.open(market.path(1)))
    market.clock.advance(timedelta(days=6))
    answer = bert.confirm(bert.open(market.path(1))).json()
    assert answer["verdict"] == "genuine_again"
    assert "household_last_at" in [reason["code"] for reason in answer["reasons"]]


def test_the_loopback_address_is_nobodys_home(edge: LocalEdge, market: Market) -> None:
    anna, bert = Client(edge=edge, ip="127.0.0.1"), Client(edge=edge, ip="127.0.0.1")
    anna.confirm(anna.open(market.path(1)))
    assert bert.confirm(bert.open(market.path(1))).json()["verdict"] == "genuine_seen"


def test_of_a_hundred_strangers_at_once_exactly_one_is_first(edge: LocalEdge, market: Market) -> None:
    asks = []
    for number in range(100):
        stranger = edge.stranger(user_agent=f"app/{number}")
        asks.append(stranger.asking("POST", "/v1/scans", b'{"url": "%b"}' % market.url(1).encode()))
    assert verdicts_of(edge, asks) == {"genuine_first": 1, "genuine_seen": 2, "suspect": 97}


def test_of_a_hundred_pages_opened_at_once_exactly_one_beacon_is_first(edge: LocalEdge, market: Market) -> None:
    phones = [edge.stranger() for _ in range(100)]
    tickets = [phone.open(market.path(1)) for phone in phones]
    asks = [
        phone.asking("POST", "/v1/scans/confirm", b'{"ticket": "%b"}' % ticket.encode())
        for phone, ticket in zip(phones, tickets, strict=True)
    ]
    assert verdicts_of(edge, asks)["genuine_first"] == 1


def test_the_same_beacon_again_gets_the_same_answer_and_records_nothing(edge: LocalEdge, market: Market) -> None:
    anna = edge.stranger()
    ticket = anna.open(market.path(1))
    first = anna.confirm(ticket).json()
    count = logged(market)
    edge.stranger().verdict(market.path(2))
    market.clock.advance(timedelta(minutes=10))
    again = anna.confirm(ticket).json()
    assert (again["verdict"], again["reasons"]) == (first["verdict"], first["reasons"])
    assert logged(market) == count + 1
    confirmed = anna.confirm(first["ticket"]).json()
    assert (confirmed["verdict"], confirmed["ticket"]) == ("genuine_first", first["ticket"])
    assert logged(market) == count + 1


def test_a_ticket_of_another_visitor_is_refused(edge: LocalEdge, market: Market) -> None:
    anna, bert = edge.stranger(), edge.stranger()
    ticket = anna.open(market.path(1))
    bert.open(market.path(2))
    for answer in (bert.confirm(ticket), edge.stranger().confirm(ticket)):
        assert (answer.status, answer.json()["code"]) == (403, "ticket_of_another")
        assert answer.headers["content-type"] == "application/problem+json"
    assert anna.confirm(ticket).json()["verdict"] == "genuine_first"


def test_an_old_or_forged_ticket_is_refused(edge: LocalEdge, market: Market) -> None:
    anna = edge.stranger()
    ticket = anna.open(market.path(1))
    assert anna.confirm(ticket[:-5] + "AAAAA").json()["code"] == "ticket_invalid"
    market.clock.advance(timedelta(minutes=30))
    answer = anna.confirm(ticket)
    assert (answer.status, answer.json()["code"]) == (410, "ticket_expired")


def test_the_tap_without_javascript_goes_back_to_the_page(edge: LocalEdge, market: Market) -> None:
    anna = edge.stranger()
    ticket = anna.open(market.path(1))
    form = {"content_type": "application/x-www-form-urlencoded", "accept": "text/html"}
    answer = anna.ask("POST", "/v1/scans/confirm", f"ticket={ticket}".encode(), **form)
    assert answer.status == 303
    assert answer.headers["location"].startswith("/s/")
    assert answer.headers["location"] != f"/s/{ticket}"


@pytest.mark.parametrize(
    "headers",
    [
        {"user_agent": "WhatsApp/2.23.20 A"},
        {"user_agent": "TelegramBot (like TwitterBot)"},
        {"user_agent": "facebookexternalhit/1.1 Facebot Twitterbot/1.0"},
        {"user_agent": "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"},
        {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "accept": JSON},
        {"sec_purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x_moz": "prefetch"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nobody_looked_so_nothing_is_recorded(edge: LocalEdge, market: Market, headers: dict[str, str], method: str) -> None:
    answer = edge.stranger().ask(method, market.path(1), b"", **headers)
    assert answer.status == 307
    assert answer.body == b""
    assert "set-cookie" not in answer.headers
    assert logged(market) == 0
    preview = edge.stranger().confirm(answer.headers["location"].removeprefix("/s/"))
    assert (preview.status, preview.json()["code"]) == (409, "ticket_of_preview")


def test_head_and_options_record_nothing(edge: LocalEdge, market: Market) -> None:
    assert edge.stranger().ask("HEAD", market.path(1)).status == 307
    options = edge.stranger().ask("OPTIONS", market.path(1))
    assert options.status == 204
    assert options.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert logged(market) == 0


def test_a_code_that_was_not_released_is_inactive_and_leaves_no_stranger(edge: LocalEdge, market: Market) -> None:
    assert edge.stranger().verdict(market.path(91)) == "inactive"
    market.decide(ranges.activate, first=91, last=91)
    assert edge.stranger().verdict(market.path(91)) == "genuine_first"


def test_a_void_reaches_the_edge_with_the_next_scan(edge: LocalEdge, market: Market) -> None:
    assert edge.stranger().verdict(market.path(1)) == "genuine_first"
    market.decide(ranges.void, first=1, last=1, reason="stolen")
    answer = edge.stranger().get(market.path(1), accept=JSON).json()
    assert answer["verdict"] == "void"
    assert answer["reasons"] == [{"code": "void", "value": "stolen"}]


def test_a_change_that_nobody_announced_is_found_by_itself(edge: LocalEdge, market: Market) -> None:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        ranges.void(
            session, tenant_id=market.tenant_id, order_id=market.order.id, reason="lost", now=market.clock.now(), actor="test"
        )
    assert edge.stranger().verdict(market.path(1)) == "genuine_first"
    edge.look_after()
    assert edge.stranger().verdict(market.path(1)) == "void"


def test_codes_ordered_a_moment_ago_are_known(edge: LocalEdge, market: Market) -> None:
    now = market.clock.now()
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        order = orders.place(
            session, tenant_id=market.tenant_id, gtin=GTIN, quantity=1, lot="L2", request_id="two", now=now, actor="test"
        )
        ranges.activate(session, tenant_id=market.tenant_id, order_id=order.id, now=now, actor="test")
        cipher = keyring.cipher(session, tenant_id=market.tenant_id, epoch=order.epoch, kek=market.settings.kek_bytes)
    path = f"/01/{GTIN}/21/{cipher.serial_of(order.first_counter)}"
    answer = edge.stranger().get(path, accept=JSON).json()
    assert (answer["verdict"], answer["lot"]) == ("genuine_first", "L2")


def test_a_valid_tag_without_a_range_is_inactive_and_not_counterfeit(edge: LocalEdge, market: Market) -> None:
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        cipher = keyring.cipher(session, tenant_id=market.tenant_id, epoch=0, kek=market.settings.kek_bytes)
    answer = edge.stranger().get(f"/01/{GTIN}/21/{cipher.serial_of(123_456)}", accept=JSON).json()
    assert (answer["verdict"], answer["reasons"]) == ("inactive", [{"code": "no_range", "value": None}])


def test_a_short_code_needs_no_gtin(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger().get(f"/{market.serial(1)}", accept=JSON).json()
    assert (answer["verdict"], answer["gtin"]) == ("genuine_first", GTIN)


def test_the_code_of_another_brand_is_sent_to_its_origin_unrecorded(edge: LocalEdge, market: Market) -> None:
    now = market.clock.now()
    with transaction(market.engine, tenant_id=None) as session:
        other = brands.create(
            session,
            slug="coffee",
            name="Coffee House",
            scan_origin="https://coffee.example",
            gtin_prefixes=("952",),
            kek=market.settings.kek_bytes,
            now=now,
        )
        products.add(session, tenant_id=other.tenant_id, gtin=OTHER_GTIN, name="Coffee", now=now)
    edge.look_after()
    path = f"/01/{OTHER_GTIN}/21/{market.serial(1)}"
    answer = edge.stranger().get(path + "?a=b", accept="text/html")
    assert (answer.status, answer.headers["location"]) == (307, f"https://coffee.example{path}?a=b")
    reported = edge.stranger().post("/v1/scans", {"url": f"https://tea.example{path}"})
    assert (reported.status, reported.json()["code"]) == (409, "other_brand")
    assert logged(market) == 0
    assert edge.stranger(headers={"host": "coffee.example"}).verdict(path) == "counterfeit"


def test_a_full_log_is_503_and_no_verdict(market: Market) -> None:
    full = market.settings.model_copy(update={"log_bytes_max": 1})
    with LocalEdge.running(full, market.clock) as edge:
        assert edge.stranger().verdict(market.path(1)) == "genuine_first"
        answer = edge.stranger().get(market.path(1), accept=JSON)
        assert (answer.status, answer.json()["code"]) == (503, "recorder_full")
        page = edge.stranger().get(market.path(1), accept="text/html", accept_language="zh-CN")
        assert page.status == 503
        assert page.headers["retry-after"]
        assert "没有记录这次扫描" in page.body.decode()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/01/09521234543214/21/ABC", "dl_check_digit"),
        ("/01/9521234543213/21/ABC", "dl_value_too_short"),
        (f"/01/{GTIN}/21/A/10/L", "dl_qualifier_order"),
        (f"/01/{GTIN}/21/{'A' * 21}", "dl_value_too_long"),
        (f"/01/{GTIN}/21", "dl_value_missing"),
    ],
)
def test_what_is_no_digital_link_is_400(edge: LocalEdge, market: Market, path: str, code: str) -> None:
    answer = edge.stranger().get(path, accept=JSON)
    assert (answer.status, answer.json()["code"]) == (400, code)
    assert answer.headers["access-control-allow-origin"] == "*"
    page = edge.stranger().get(path, accept="text/html")
    assert (page.status, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert logged(market) == 0


def test_one_trailing_slash_is_forgiven(edge: LocalEdge, market: Market) -> None:
    assert edge.stranger().verdict(market.path(1) + "/") == "genuine_first"


def test_too_many_invented_codes_from_one_address_are_429(edge: LocalEdge, market: Market) -> None:
    forger = edge.stranger()
    paths = [f"/01/{GTIN}/21/{number:020}" for number in range(40)]
    answers = edge.together([forger.asking("GET", path, accept=JSON) for path in paths])
    assert Counter(answer.status for answer in answers) == {200: 30, 429: 10}
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert logged(market) == 30
    assert forger.verdict(market.path(1)) == "genuine_first"
    assert edge.stranger().verdict(paths[0]) == "counterfeit"
    market.clock.advance(timedelta(minutes=1))
    assert forger.verdict(paths[0]) == "counterfeit"


def test_an_unknown_host_means_the_oldest_brand_in_the_one_box_alone(edge: LocalEdge, market: Market) -> None:
    assert edge.stranger(headers={"host": "192.168.1.5:8000"}).verdict(market.path(1)) == "genuine_first"
    with LocalEdge.running(market.settings.model_copy(update={"environment": "production"}), market.clock) as strict:
        answer = strict.stranger(headers={"host": "192.168.1.5"}).get(market.path(1), accept=JSON)
        assert (answer.status, answer.json()["code"]) == (404, "host_unknown")
        assert strict.stranger().verdict(market.path(1)) == "genuine_seen"


def test_only_a_configured_proxy_is_believed(market: Market) -> None:
    trusting = market.settings.model_copy(update={"trusted_proxies": ("10.0.0.0/8",)})
    with LocalEdge.running(trusting, market.clock) as edge:
        told = {"x_forwarded_for": "6.6.6.6, 203.0.113.5, 10.0.0.9", "x_forwarded_proto": "https"}
        behind = Client(edge=edge, ip="10.1.2.3")
        assert "Secure" in behind.get(market.path(1), accept="text/html", **told).headers["set-cookie"]
        behind.confirm(behind.open(market.path(1)))
        liar = Client(edge=edge, ip="203.0.113.77")
        assert "Secure" not in liar.get(market.path(2), accept="text/html", **told).headers["set-cookie"]


def test_paths_of_the_web_process_are_503_while_it_is_away(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger().get("/console", accept="text/html")
    assert answer.status == 503
    assert edge.stranger().get("/console", accept=JSON).json()["code"] == "web_away"
    assert edge.stranger().verdict(market.path(1)) == "genuine_first"


def test_ready_and_alive(edge: LocalEdge, market: Market) -> None:
    assert edge.stranger().get("/healthz").status == 200
    ready = edge.stranger().get("/readyz")
    assert ready.status == 200
    assert ready.json() == {
        "status": "ready",
        "schema": True,
        "function": True,
        "catalogue": True,
        "brand": True,
        "generation": True,
    }


def test_the_browser_of_the_phone_is_named_in_the_log(edge: LocalEdge, market: Market) -> None:
    wechat = PHONE + " MicroMessenger/8.0.50"
    edge.stranger(user_agent=wechat).open(market.path(1))
    partition = functions.partition_of(market.tenant_id, market.order.first_counter)
    (entry,) = streams.forward(market.redis, partition, count=2)
    assert b"wechat" in entry.fields[b"e"]


@pytest.mark.parametrize("broken", [b"?", b"\x00" * 10, b"\x04" + b"\x00" * 8, b"\x00" * (9 + 7 * 15)])
def test_a_state_that_cannot_be_read_refuses_its_scan_alone(edge: LocalEdge, market: Market, broken: bytes) -> None:
    counter = market.order.first_counter
    partition = functions.partition_of(market.tenant_id, counter)
    bucket = functions.bucket_key(partition, tenant_id=market.tenant_id, epoch=market.order.epoch, counter=counter)
    market.redis.hset(bucket, str(functions.field(counter)), broken)
    phone = edge.stranger()
    answers = [phone.get(market.path(1), accept=kind) for kind in ("text/html", "application/json")]
    assert [answer.status for answer in answers] == [503, 503]
    results = phone.post("/v1/scans", {"scans": [{"url": market.url(item)} for item in (2, 1, 3)]}).json()["results"]
    assert [one.get("code") or one["verdict"] for one in results] == ["genuine_first", "state_unreadable", "genuine_first"]
    assert logged(market) == 2
