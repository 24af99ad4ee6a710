"""The verdict page: every verdict in both languages, who may see it, and what it must never say."""

import base64
import gzip
import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codegen.lifecycle import ranges
from kit.clock import FixedClock
from kit.db import transaction
from kit.settings import Settings
from scanservice.tickets import Stage
from scanservice.verdicts import Reason, Verdict
from supplychain import shipments
from supplychain.shipments import Shipment
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.phones import offer, phone

PAGE_BYTES_MAX = 60_000
# What comes before the verdict can be seen: on a slow line each kilobyte takes 20 ms.
FIRST_BYTES_MAX = 7_000
EARLIER = "2026-11-20T02:00:00Z"
TODAY = "2026-11-22T02:05:00Z"

# (verdict, reasons, English words, Chinese words)
VERDICTS = [
    (Verdict.GENUINE_FIRST, [("nobody_before", None)], ["Genuine", "No earlier check"], ["正品", "没有查询记录"]),
    (
        Verdict.GENUINE_AGAIN,
        [("first_confirmed_at", EARLIER), ("mine_first_at", EARLIER), ("mine_last_at", EARLIER)],
        ["Genuine", "You checked this item before, last on November 20, 2026."],
        ["正品", "您之前查询过这件商品，最近一次是2026年11月20日。"],
    ),
    (
        Verdict.GENUINE_AGAIN,
        [("first_confirmed_at", TODAY), ("household_last_at", TODAY)],
        ["Someone in your household, on the same network, checked this item today at 10:05."],
        ["您的家人（同一网络）今天10:05查询过这件商品。"],
    ),
    (
        Verdict.GENUINE_SEEN,
        [("first_confirmed_at", EARLIER), ("strangers", 1)],
        ["Genuine, checked before", "Someone else checked this item before you, on November 20, 2026."],
        ["正品，曾被查询", "在您之前，有人2026年11月20日查询过这件商品。"],
    ),
    (Verdict.GENUINE_SEEN, [("staff_before", None)], ["A shop or warehouse scanned this item before you"], ["门店或仓库"]),
    (
        Verdict.SUSPECT,
        [("first_confirmed_at", EARLIER), ("strangers", 5)],
        ["Please take a closer look", "several people who have nothing to do with each other"],
        ["请仔细核对", "几位互不相识的人"],
    ),
    (Verdict.COUNTERFEIT, [("bad_serial", None)], ["Not a genuine code", "never issued by the brand"], ["不是正品码"]),
    (Verdict.COUNTERFEIT, [("wrong_gtin", None)], ["belongs to another product"], ["属于另一款商品"]),
    (Verdict.INACTIVE, [("inactive", None)], ["Not released yet"], ["尚未启用"]),
    (Verdict.INACTIVE, [("no_range", None)], ["No record found", "our own mistake"], ["没有查到记录"]),
    (Verdict.VOID, [("void", "printer lost the roll")], ["Code withdrawn"], ["该码已作废"]),
    (
        Verdict.RECALLED,
        [("recalled", "Glass in lot L1")],
        ["Recalled: do not use", "Glass in lot L1"],
        ["已召回", "Glass in lot L1"],
    ),
    (Verdict.EXPIRED, [("expired", None)], ["Past its date"], ["已过有效期"]),
    (Verdict.CONSUMED, [("consumed", None), ("first_confirmed_at", EARLIER)], ["Already redeemed"], ["已兑换"]),
]


@pytest.mark.parametrize(("verdict", "reasons", "english", "chinese"), VERDICTS)
def test_each_verdict_is_told_in_both_languages(
    app: Flask,
    settings: Settings,
    furnished: Furnished,
    verdict: Verdict,
    reasons: list[tuple[str, str | int | None]],
    english: list[str],
    chinese: list[str],
) -> None:
    someone = phone(app, settings)
    ticket = someone.ticket(furnished, now=NOW, verdict=verdict, reasons=tuple(Reason(*reason) for reason in reasons))
    for language, words in (("en", english), ("zh-CN", chinese)):
        page = someone.page(f"/s/{ticket}", language=language)
        for said in words:
            assert said in page
        assert 'aria-live="polite"' in page
        assert "<svg" in page


def test_nobody_is_told_a_bare_count_or_an_inner_note(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    reasons = (Reason("first_confirmed_at", EARLIER), Reason("strangers", 47))
    suspect = someone.page(f"/s/{someone.ticket(furnished, now=NOW, verdict=Verdict.SUSPECT, reasons=reasons)}")
    said = suspect.split('<p class="line">')[1].split("</p>")[0]
    assert "several people" in said
    assert "47" not in said
    void = someone.ticket(furnished, now=NOW, verdict=Verdict.VOID, reasons=(Reason("void", "stolen by the night shift"),))
    assert "night shift" not in someone.page(f"/s/{void}")


def test_the_page_names_product_lot_path_and_host(
    app: Flask, settings: Settings, furnished: Furnished, database: Database
) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        sent = Shipment(distributor_id="D1", shipped_at=NOW - timedelta(hours=1), lot=furnished.lot)
        shipments.record(session, [sent], tenant_id=furnished.tenant_id)
    someone = phone(app, settings)
    page = someone.page(f"/s/{someone.ticket(furnished, now=NOW)}", language="zh-CN")
    for fact in (
        "茶",
        furnished.gtin,
        "已赋码，批次 L1",
        "已放行上市",
        "已发往品牌的经销商",
        "您本次查询",
        f"{furnished.slug}.example",
    ):
        assert fact in page
    for secret in ("Shanghai", "D1", "310000"):
        assert secret not in page


def test_a_recall_shows_in_the_path_of_its_codes_alone(
    app: Flask, settings: Settings, furnished: Furnished, database: Database
) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        ranges.recall(
            session, tenant_id=furnished.tenant_id, order_id=furnished.order_id, first=5, last=9, reason="cap", now=NOW, actor="t"
        )
    someone = phone(app, settings)
    assert "Recalled by the brand" in someone.page(f"/s/{someone.ticket(furnished, now=NOW, row=5)}")
    assert "Recalled by the brand" not in someone.page(f"/s/{someone.ticket(furnished, now=NOW, row=4)}")


def test_a_code_without_a_range_has_an_honest_empty_path(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    nothing: dict[str, Any] = {
        "verdict": Verdict.INACTIVE,
        "reasons": (Reason("no_range"),),
        "order_id": None,
        "lot": "",
        "kind": "",
    }
    page = someone.page(f"/s/{someone.ticket(furnished, now=NOW, **nothing)}")
    assert "The brand has not recorded anything about where this item has been." in page


def test_what_is_scanned_is_shown_as_text_and_never_as_markup(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    evil = "<script>alert(1)</script>"
    by_lot = someone.ticket(furnished, now=NOW, lot=evil)
    by_serial = someone.ticket(
        furnished,
        now=NOW,
        verdict=Verdict.COUNTERFEIT,
        reasons=(Reason("bad_serial"),),
        serial=evil,
        epoch=None,
        counter=None,
        order_id=None,
    )
    by_reason = someone.ticket(furnished, now=NOW, verdict=Verdict.RECALLED, reasons=(Reason("recalled", evil),))
    for ticket in (by_lot, by_serial, by_reason):
        page = someone.page(f"/s/{ticket}")
        assert evil not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_counterfeit_is_not_shown_beside_the_product_it_names(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    ticket = someone.ticket(furnished, now=NOW, verdict=Verdict.COUNTERFEIT, reasons=(Reason("wrong_gtin"),))
    page = someone.page(f"/s/{ticket}")
    assert ">Tea<" not in page
    assert "/join/" not in page


def test_a_seen_scan_can_be_confirmed_without_javascript(
    app: Flask, settings: Settings, furnished: Furnished, database: Database
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    someone = phone(app, settings)
    ticket = someone.ticket(furnished, now=NOW, stage=Stage.SEEN)
    page = someone.page(f"/s/{ticket}")
    noscript = page.split("<noscript>")[1].split("</noscript>")[0]
    assert 'action="/v1/scans/confirm"' in noscript
    assert ticket in noscript
    assert "10 points for you" in page
    assert "<div data-after-confirm hidden>" in page
    assert "You are the first to check it." in page.split("data-after-confirm hidden>")[1]


def test_a_preview_has_no_verdict_and_leads_to_a_check(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    facts: dict[str, Any] = {
        "stage": Stage.PREVIEW,
        "verdict": None,
        "reasons": (),
        "visitor": bytes(8),
        "epoch": None,
        "counter": None,
    }
    page = someone.page(f"/s/{someone.ticket(furnished, now=NOW, **facts)}")
    assert "Not checked yet" in page
    assert "Genuine" not in page
    serial = furnished.serial(1)
    page = someone.page(f"/s/{someone.ticket(furnished, now=NOW, serial=serial, **facts)}")
    assert f'href="/01/{furnished.gtin}/21/{serial}"' in page


def test_another_phone_learns_nothing_from_a_shared_link(app: Flask, settings: Settings, furnished: Furnished) -> None:
    alice, charlie = phone(app, settings), phone(app, settings)
    answer = charlie.client.get(f"/s/{alice.ticket(furnished, now=NOW)}", headers={"Accept-Language": "en"})
    assert answer.status_code == 403
    assert "another device" in answer.text
    assert "Genuine" not in answer.text


def test_a_browser_without_cookies_is_told_what_the_link_is_worth(app: Flask, settings: Settings, furnished: Furnished) -> None:
    alice = phone(app, settings)
    bare = app.test_client()
    page = bare.get(f"/s/{alice.ticket(furnished, now=NOW)}", headers={"Accept-Language": "en"}).text
    assert "Your browser brought no cookie of the scan." in page
    assert "/join/" not in page
    assert "consumer.js" not in page


def test_an_old_ticket_asks_for_a_new_scan(app: Flask, settings: Settings, furnished: Furnished, clock: FixedClock) -> None:
    someone = phone(app, settings)
    ticket = someone.ticket(furnished, now=NOW)
    clock.advance(timedelta(minutes=31))
    answer = someone.client.get(f"/s/{ticket}", headers={"Accept-Language": "en", "Accept": "text/html"})
    assert answer.status_code == 410
    assert "Please scan the code on the product again." in answer.text
    assert '<a class="button" href="/check">' in answer.text


@pytest.mark.parametrize("text", ["nonsense", "A" * 200, "é"])
def test_a_forged_ticket_is_a_page_in_words(app: Flask, text: str) -> None:
    answer = app.test_client().get(f"/s/{text}", headers={"Accept-Language": "zh-CN"})
    assert answer.status_code == 400
    assert "链接不完整" in answer.text


def test_programs_get_a_problem_document(app: Flask) -> None:
    answer = app.test_client().get("/s/nonsense", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["code"] == "ticket_invalid"


def test_an_altered_ticket_is_refused(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    ticket = someone.ticket(furnished, now=NOW)
    altered = ticket[:-2] + ("AA" if ticket[-2:] != "AA" else "BB")
    assert someone.client.get(f"/s/{altered}").status_code == 400


def test_the_language_switch_stays_on_the_page(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    ticket = someone.ticket(furnished, now=NOW)
    page = someone.page(f"/s/{ticket}?lang=zh", language="en")
    assert '<html lang="zh">' in page
    assert f'href="/s/{ticket}?lang=en"' in page


def test_the_page_is_light_and_brings_no_inline_code(
    app: Flask, settings: Settings, furnished: Furnished, database: Database
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    someone = phone(app, settings)
    page = someone.page(f"/s/{someone.ticket(furnished, now=NOW)}", language="zh-CN")
    static = Path(app.static_folder or "")
    weight = len(page.encode()) + sum((static / name).stat().st_size for name in ("consumer.js", "mark.svg"))
    assert weight < PAGE_BYTES_MAX
    assert " style=" not in page
    assert "<script src=" in page
    assert "bootstrap" not in page


def test_the_styles_come_with_the_page_and_only_they_are_allowed(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    ticket = someone.ticket(furnished, now=NOW)
    answer = someone.client.get(f"/s/{ticket}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    page = gzip.decompress(answer.data).decode()
    (styles,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{hashed}'" in answer.headers["Content-Security-Policy"]
    assert '<link rel="stylesheet"' not in page
    assert len(answer.data) < FIRST_BYTES_MAX
    # Behind the verdict and deferred: nothing that is to be seen waits for it.
    assert re.findall(r"<script [^>]*>", page.split("</main>")[1]) == ['<script src="/static/consumer.js" defer>']
    assert "<script" not in page.split("</main>")[0]


def test_a_page_with_a_form_brings_the_styles_of_forms_too(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    answer = someone.client.get(f"/report/{someone.ticket(furnished, now=NOW)}", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    styles = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert len(styles) == 2
    for text in styles:
        hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{hashed}'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["consumer.js", "desk.css"])
def test_our_own_files_come_compressed_to_who_takes_that(app: Flask, name: str) -> None:
    client = app.test_client()
    plain = client.get(f"/static/{name}", buffered=True)
    assert "Content-Encoding" not in plain.headers
    for _again in range(2):
        packed = client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"}, buffered=True)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) == len(packed.data)
        assert gzip.decompress(packed.data) == plain.data
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]
    known = client.get(
        f"/static/{name}", headers={"Accept-Encoding": "gzip", "If-None-Match": plain.headers["ETag"]}, buffered=True
    )
    assert (known.status_code, known.data) == (304, b"")
    picture = client.get("/static/mark.svg", headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert "Content-Encoding" not in picture.headers


def test_where_something_is_wrong_the_report_stands_beside_what_to_do(
    app: Flask, settings: Settings, furnished: Furnished
) -> None:
    someone = phone(app, settings)
    for verdict in Verdict:
        page = someone.page(f"/s/{someone.ticket(furnished, now=NOW, verdict=verdict, reasons=(Reason('x'),))}")
        assert page.count("I think this is a fake") == 1
        beside = 'class="button quiet-button" href="/report/' in page
        assert beside == (verdict in {Verdict.SUSPECT, Verdict.COUNTERFEIT, Verdict.VOID})
        # Whoever is told not to use a thing is not asked where they are.
        assert ("Help to find copies" in page) == (verdict not in {Verdict.RECALLED, Verdict.EXPIRED, Verdict.COUNTERFEIT})


def test_pages_carry_the_security_headers(app: Flask, settings: Settings, furnished: Furnished) -> None:
    someone = phone(app, settings)
    client: FlaskClient = someone.client
    answer = client.get(f"/s/{someone.ticket(furnished, now=NOW)}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
