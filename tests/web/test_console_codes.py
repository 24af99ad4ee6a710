"""Products, code orders, their files and symbols, and the look-up of a code."""

import csv
import io
import re
import struct
import zlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import zxingcpp
from flask.testing import FlaskClient
from sqlalchemy import text

from codegen import orders
from codegen.code_lists import exports
from codegen.orders import CodeOrder
from kit.clock import FixedClock
from kit.db import transaction
from kit.settings import Settings
from supplychain import shipments
from supplychain.shipments import Shipment
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished, some_gtin
from tests.web.scans import scan, words_of

MARK = {
    "symbology": "qr",
    "level": "M",
    "module_mm": "0.5",
    "dpi": "600",
    "mask": "order",
    "text": "serial_groups",
    "surface": "flat",
    "label": "",
    "printer": "",
}


def order_form(client: FlaskClient, furnished: Furnished, **typed: Any) -> dict[str, Any]:
    """The form as the page gives it, filled in."""
    found = re.search(r'name="request_id"[^>]*value="([^"]+)"', client.get("/console/orders/new").text)
    assert found
    return {
        "request_id": found[1],
        "gtin": furnished.gtin,
        "quantity": "5000",
        "lot": "L2",
        "kind": "item_outer",
        "profile": "gs1",
        **MARK,
        "do": "order",
        **typed,
    }


def all_orders(database: Database, furnished: Furnished) -> list[CodeOrder]:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        return orders.every(session, tenant_id=furnished.tenant_id)


def test_a_product_is_added_and_offered_for_orders(marketer: FlaskClient) -> None:
    gtin = some_gtin()
    answer = marketer.post(
        "/console/products/new", data={"gtin": gtin[1:], "name": "Jasmine tea", "name_zh": "茉莉花茶", "description": "Fragrant."}
    )
    assert answer.status_code == 302
    page = words_of(marketer.get("/console/products").text)
    assert f"Jasmine tea 茉莉花茶 {gtin} Fragrant." in page
    assert gtin in marketer.get("/console/orders/new").text


def test_a_wrong_check_digit_is_named_with_the_right_one_beside_the_field(marketer: FlaskClient, furnished: Furnished) -> None:
    right = furnished.gtin[-1]
    wrong = str((int(right) + 1) % 10)
    answer = marketer.post("/console/products/new", data={"gtin": furnished.gtin[:-1] + wrong, "name": "Tea"})
    assert answer.status_code == 422
    assert f"expected {right}, found {wrong}" in answer.text
    said = marketer.post("/console/products/new?lang=zh", data={"gtin": furnished.gtin[:-1] + wrong, "name": "Tea"}).text
    assert f"校验位有误：应为 {right}，实为 {wrong}" in said


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"gtin": "4006381333931", "name": "Pen"}, "carries none of this brand"),
        ({"gtin": "12345", "name": "Tea"}, "8, 12, 13 or 14 digits"),
        ({"gtin": "", "name": "Tea"}, "Please fill this in."),
        ({"gtin": "09521234543213", "name": ""}, "Please fill this in."),
    ],
)
def test_products_that_cannot_be_are_refused_in_words(marketer: FlaskClient, typed: dict[str, str], said: str) -> None:
    answer = marketer.post("/console/products/new", data=typed)
    assert answer.status_code == 422
    assert said in answer.text


def test_an_order_is_placed_and_can_be_active_at_once(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    answer = marketer.post(
        "/console/orders/new", data=order_form(marketer, furnished, quantity="1,000,000", activate="y"), follow_redirects=True
    )
    assert answer.status_code == 200
    assert "1,000,000 codes ordered for lot L2." in answer.text
    assert "Active 1,000,000" in words_of(answer.text)
    assert [(order.lot, order.quantity) for order in all_orders(database, furnished)] == [("L1", 100), ("L2", 1_000_000)]


def test_the_order_form_sent_twice_is_one_order(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    form = order_form(marketer, furnished)
    first, second = (marketer.post("/console/orders/new", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 302
    assert first.location == second.location
    assert len(all_orders(database, furnished)) == 2
    # Changed and sent again it is no longer the same wish: nothing is ordered before the marketer looks once more.
    changed = marketer.post("/console/orders/new", data={**form, "quantity": "6000"})
    assert changed.status_code == 422
    assert "This form was sent before" in changed.text
    assert form["request_id"] not in changed.text
    assert len(all_orders(database, furnished)) == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"quantity": "0"}, "An order is for 1 to 1000000000 codes, not for 0."),
        ({"quantity": "1000000000000"}, "An order is for 1 to 1000000000 codes, not for 1000000000000."),
        ({"quantity": "-5"}, "not for -5."),
        ({"quantity": "9" * 40}, "This number has too many digits."),
        ({"quantity": "many"}, "Not a valid integer value."),
        ({"quantity": ""}, "Please fill this in."),
        ({"lot": "=SUM(A1)"}, "A lot is 1 to 20 letters"),
        ({"gtin": "09521234543213"}, "Not a valid choice."),
        ({"kind": "canary"}, "Not a valid choice."),
        ({"request_id": ""}, "Please fill this in."),
    ],
)
def test_orders_that_cannot_be_are_refused_beside_the_field(
    marketer: FlaskClient, furnished: Furnished, database: Database, typed: dict[str, str], said: str
) -> None:
    answer = marketer.post("/console/orders/new", data=order_form(marketer, furnished, **typed))
    assert answer.status_code == 422
    assert said in answer.text
    assert len(all_orders(database, furnished)) == 1


def test_a_short_order_is_downloaded_at_once(marketer: FlaskClient, furnished: Furnished) -> None:
    answer = marketer.get(f"/console/orders/{furnished.order_id}/codes.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=codes-L1-")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["serial"] for row in rows] == [furnished.serial(row) for row in range(1, 101)]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_a_long_order_is_prepared_with_progress_and_then_streamed(
    marketer: FlaskClient, furnished: Furnished, database: Database, settings: Settings
) -> None:
    marketer.post("/console/orders/new", data=order_form(marketer, furnished, quantity="20000"))
    order = all_orders(database, furnished)[-1]
    too_long = marketer.get(f"/console/orders/{order.id}/codes.csv")
    assert too_long.status_code == 409
    page = marketer.get(f"/console/orders/{order.id}").text
    found = re.search(r'name="export_id" value="([^"]+)"', page)
    assert found
    export_id = UUID(found[1])
    for _ in range(2):
        assert marketer.post(f"/console/orders/{order.id}/exports", data={"export_id": str(export_id)}).status_code == 302
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        assert len(exports.of_order(session, order.id, tenant_id=furnished.tenant_id)) == 1
        waiting = session.execute(text("SELECT payload FROM outbox WHERE topic = :topic"), {"topic": exports.TOPIC}).scalars()
        assert list(waiting) == [{"export_id": str(export_id)}]
    assert marketer.get(f"/console/exports/{export_id}/file").status_code == 409
    piece = marketer.get(f"/console/exports/{export_id}").text
    assert f'data-renew="/console/exports/{export_id}"' in piece
    for rows_done in (8_000, 16_000, 20_000):
        with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
            step = exports.advance(
                session,
                tenant_id=furnished.tenant_id,
                export_id=export_id,
                kek=settings.kek_bytes,
                objects_dir=settings.objects_dir,
                now=NOW,
                rows_max=8_000,
            )
        assert step is not None
        piece = marketer.get(f"/console/exports/{export_id}").text
        assert f'value="{rows_done}"' in piece or step.finished
    assert "data-renew" not in piece
    answer = marketer.get(f"/console/exports/{export_id}/file")
    assert step is not None
    assert answer.headers["Content-Disposition"] == f"attachment; filename={step.file_name}"
    assert answer.text.count("\n") == 20_001
    answer.close()


def test_a_damaged_export_form_is_refused(marketer: FlaskClient, furnished: Furnished) -> None:
    answer = marketer.post(f"/console/orders/{furnished.order_id}/exports", data={"export_id": "x"})
    assert answer.status_code == 400


def test_a_symbol_of_any_row_holds_its_address(marketer: FlaskClient, furnished: Furnished) -> None:
    picture = marketer.get(f"/console/orders/{furnished.order_id}/symbols/7.png?download=1")
    assert picture.headers["Content-Disposition"] == "attachment; filename=code-L1-7.png"
    page = words_of(marketer.get("/console/codes", query_string={"code": furnished.serial(7)}).text)
    address = f"HTTPS://{furnished.slug.upper()}.EXAMPLE/01/{furnished.gtin}/21/{furnished.serial(7)}"
    assert address in page
    assert decoded(picture.data) == address
    drawn = marketer.get(f"/console/orders/{furnished.order_id}/symbols/7.svg")
    assert drawn.mimetype == "image/svg+xml"
    assert "<svg" in drawn.text
    assert marketer.get(f"/console/orders/{furnished.order_id}/symbols/101.svg").status_code == 422


def decoded(png: bytes) -> str:
    """What a reader finds in a PNG of one bit a pixel, whose lines are whole or differences to the line above."""
    width, height, depth, colours = struct.unpack(">IIBB", png[16:26])
    assert (depth, colours) == (1, 0)
    packed = b""
    place = 8
    while place < len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        packed += png[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += 12 + length
    lines = np.frombuffer(zlib.decompress(packed), dtype=np.uint8).reshape(height, -1)
    assert set(lines[:, 0]) <= {0, 2}
    whole = lines[:, 1:].copy()
    for at in range(1, height):
        if lines[at, 0]:
            whole[at] += whole[at - 1]
    pixels = np.unpackbits(whole, axis=1)[:, :width] * np.uint8(255)
    (found,) = zxingcpp.read_barcodes(pixels)
    return str(found.text)


def test_a_row_leads_to_the_look_up_of_its_code(marketer: FlaskClient, furnished: Furnished) -> None:
    answer = marketer.get(f"/console/orders/{furnished.order_id}/code?row=3")
    assert answer.status_code == 302
    assert furnished.serial(3) in answer.location
    for typed in ("0", "101", "x", ""):
        assert marketer.get(f"/console/orders/{furnished.order_id}/code?row={typed}").status_code == 422
    counter = furnished.first_counter + 2
    assert marketer.get(f"/console/codes/0/{counter}").location == answer.location.replace(
        answer.location.split("?code=")[1], furnished.serial(3)
    )
    assert marketer.get(f"/console/codes/31/{counter}").status_code == 404
    assert marketer.get(f"/console/codes/9/{counter}").status_code == 404


def test_a_code_typed_by_hand_shows_its_order_decisions_shipments_and_scans(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    scan(database, furnished, row=3, at=NOW - timedelta(hours=5))
    scan(database, furnished, row=4, at=NOW - timedelta(hours=6), division="330106")
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        shipped = Shipment(distributor_id="D1", shipped_at=NOW - timedelta(days=2), lot="L1")
        shipments.record(session, [shipped], tenant_id=furnished.tenant_id)
    typed = furnished.serial(3).lower().replace("0", "o").replace("1", "l")
    page = words_of(marketer.get("/console/codes", query_string={"code": f" {typed[:10]}-{typed[10:]} "}).text)
    assert "Genuine and active" in page
    assert "3 / 100" in page
    assert "2026-11-22 11:00 Genuine, first scan – Shanghai 浦东新区 wechat" in page
    assert "西湖区" not in page
    assert "Shanghai Trading D1 2026-11-20 16:00" in page


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (lambda serial: serial[:-1] + ("0" if serial[-1] != "0" else "1"), "Not genuine"),
        (lambda serial: serial[:-1], "This is no code of ours"),
        (lambda _serial: "Y67GNTG38XHBRBGBQPAY", "Not one of this brand's codes"),
        (lambda serial: f"/01/09521234543213/21/{serial}", "Genuine code under another product's address"),
        (lambda _serial: "<script>alert(1)</script>", "This is no code of ours"),
    ],
)
def test_what_is_no_code_of_ours_is_explained(marketer: FlaskClient, furnished: Furnished, change: Any, title: str) -> None:
    answer = marketer.get("/console/codes", query_string={"code": change(furnished.serial(5))})
    assert answer.status_code == 200
    assert title.replace("'", "&#39;") in answer.text
    assert "<script>alert" not in answer.text


def test_a_long_list_of_orders_has_pages(
    marketer: FlaskClient, furnished: Furnished, database: Database, clock: FixedClock
) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        for place in range(52):
            clock.advance(timedelta(seconds=1))
            orders.place(
                session,
                tenant_id=furnished.tenant_id,
                gtin=furnished.gtin,
                quantity=1,
                lot=f"P{place:02d}",
                request_id=f"p{place}",
                now=clock.now(),
                actor="test",
            )
    first = marketer.get("/console/orders").text
    assert "P51" in first
    assert "P01" not in first
    found = re.search(r'href="([^"]+after=[^"]+)"', first)
    assert found
    second = marketer.get(found[1]).text
    assert all(lot in second for lot in ("P01", "P00", ">L1<"))
    assert "Newest" in second
    assert marketer.get("/console/orders?after=nonsense").status_code == 400
