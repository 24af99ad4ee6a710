"""The look-up: whatever is typed, scanned or photographed is explained step by step, and nothing of another brand's is told."""

import io
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from codegen import orders, symbols
from codegen.kinds import Profile
from codegen.lifecycle import ranges
from kit.db import transaction
from supplychain import shipments
from supplychain.shipments import Shipment
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.scans import drop_scans, scan, words_of


def look(client: FlaskClient, code: str) -> str:
    answer = client.get("/console/codes", query_string={"code": code})
    assert answer.status_code == 200
    return words_of(answer.text)


def link(furnished: Furnished, serial: str, *, scheme: str = "https", gtin: str = "") -> str:
    return f"{scheme}://{furnished.slug}.example/01/{gtin or furnished.gtin}/21/{serial}"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (lambda brand: brand.serial(5).lower(), "small letters were read as capitals"),
        (
            lambda brand: brand.serial(5).replace("1", "I").replace("0", "O") + " ",
            "I and L were read as 1, O as 0",
        ),
        (
            lambda brand: f"{brand.serial(5)[:4]} {brand.serial(5)[4:8]}-{brand.serial(5)[8:]}",
            "spaces and hyphens were passed over",
        ),
        (lambda brand: link(brand, brand.serial(5)), "A GS1 Digital Link: product and serial"),
        (lambda brand: link(brand, brand.serial(5)).upper(), "Genuine and active"),
        (lambda brand: link(brand, brand.serial(5).lower()).lower(), "small letters were read as capitals"),
        (lambda brand: link(brand, brand.serial(5), scheme="ftp"), "it begins with ftp:, where our labels say https"),
        (lambda brand: f"https://{brand.slug}.example/{brand.serial(5)}", "A short address: the serial behind the brand's host"),
        (lambda brand: f"(01){brand.gtin}(21){brand.serial(5)}", "GS1 elements, as a reader of DataMatrix gives them"),
        (lambda brand: f"]d201{brand.gtin}21{brand.serial(5)}", "GS1 elements, as a reader of DataMatrix gives them"),
    ],
)
def test_a_genuine_code_is_understood_in_every_dress(marketer: FlaskClient, furnished: Furnished, typed: Any, said: str) -> None:
    if not set(furnished.serial(5)) & {"0", "1"} and "I and L" in said:
        pytest.skip("this serial has no letter to confuse")
    page = look(marketer, typed(furnished)).replace("&#39;", "'")
    assert said in page
    assert "Genuine and active" in page
    assert "It fits: this brand's key made it" in page
    assert "Row 5 of 100, ordered by test, lot L1" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (lambda brand: brand.serial(5)[:-3], "17 characters, a serial has 20: 3 are missing"),
        (lambda brand: brand.serial(5) + "AB", "22 characters, a serial has 20: 2 too many"),
        (lambda brand: link(brand, brand.serial(5)[:-1]), "19 characters, a serial has 20: 1 are missing"),
        (lambda brand: link(brand, brand.serial(5) + "X"), "20 is the most"),
        (lambda brand: brand.serial(5)[:-1] + "U", "no serial of ours has U"),
        (lambda brand: brand.serial(5)[:-2] + "!?", "no serial of ours has ! ?"),
        (lambda brand: brand.gtin, "This is a product's barcode (Tea)"),
        (lambda _brand: "4006381333931", "This is a product's barcode (no product of this brand)"),
        (lambda _brand: "https://id.gs1.org/01/04006381333931/21/ABC123", "it is a serial of somebody else's"),
        (lambda _brand: "https://id.gs1.org/00/095212345678901234", "items are named by AI 01"),
        (lambda brand: link(brand, brand.serial(5), gtin="09521234543214"), "check digit"),
        (lambda brand: link(brand, brand.serial(5), gtin="04006381333931"), "it is no product of this brand"),
        (lambda _brand: "Y67GNTG38XHBRBGBQPAY", "This brand never opened this epoch"),
        (lambda _brand: "ZZZZZZZZZZZZZZZZZZZZ", "It is of a format that does not exist yet."),
        (lambda brand: brand.serial(5)[:-1] + ("0" if brand.serial(5)[-1] != "0" else "2"), "a character was altered"),
        (lambda _brand: "https://example.com/", "How it was read"),
        (lambda _brand: "http://[", "How it was read"),
        (lambda _brand: "weixin://dl/business/?t=abc", "How it was read"),
    ],
)
def test_what_is_wrong_with_a_code_is_said(marketer: FlaskClient, furnished: Furnished, typed: Any, said: str) -> None:
    page = look(marketer, typed(furnished)).replace("&#39;", "'")
    assert said in page
    assert "Genuine and active" not in page


def test_nothing_of_another_brand_is_told(marketer: FlaskClient, furnished: Furnished, other_furnished: Furnished) -> None:
    for code in (other_furnished.serial(1), link(other_furnished, other_furnished.serial(1))):
        page = look(marketer, code)
        assert "Not genuine" in page
        assert "Brand " + other_furnished.slug[-4:] not in page
        assert "Tea" not in page
        assert ">L1<" not in page
    mixed = look(marketer, link(furnished, furnished.serial(1), gtin=other_furnished.gtin))
    assert "it is no product of this brand" in mixed


def test_a_packed_code_shows_its_tree_its_case_its_shipment_and_the_reasons_of_its_scans(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        order = orders.place(
            session,
            tenant_id=furnished.tenant_id,
            gtin=furnished.gtin,
            quantity=24,
            inner=True,
            items_per_case=4,
            cases_per_pallet=2,
            lot="L7",
            request_id="packed",
            now=NOW,
            actor="alice",
        )
        pallet = order.first_counter + 54
        sent = Shipment(
            distributor_id="D1",
            shipped_at=NOW,
            lot="L7",
            serial=furnished.cipher.serial_of(pallet),
            epoch=0,
            counter=pallet,
        )
        shipments.record(session, [sent], tenant_id=furnished.tenant_id)
        ranges.recall(
            session, tenant_id=furnished.tenant_id, order_id=order.id, first=5, last=5, reason="Bitter", now=NOW, actor="bob"
        )
    scan(database, furnished, row=3, at=NOW - timedelta(hours=5))
    item = look(marketer, furnished.cipher.serial_of(order.first_counter + 4))
    assert "Packaging Pallet row 55 Case row 50 Item, outside this code Item, inside row 29" in item
    assert "Shipping" not in item
    assert "Shanghai Trading D1" in item
    assert "Decided by bob: Bitter Recalled" in item
    inner = look(marketer, furnished.cipher.serial_of(order.first_counter + 28))
    assert "Pallet row 55 Case row 50 Item, outside row 5 Item, inside this code" in inner
    assert "Shanghai Trading D1" in inner
    case = look(marketer, furnished.cipher.serial_of(order.first_counter + 49))
    assert "Case this code Item, outside row 5 Item, outside row 6" in case
    far = look(marketer, furnished.cipher.serial_of(order.first_counter + 20))
    assert "Shanghai Trading" not in far
    assert "nobody had scanned it before" in look(marketer, furnished.serial(3)) or "Genuine, first scan" in look(
        marketer, furnished.serial(3)
    )


def test_a_photo_of_a_label_is_read_and_others_are_refused_in_words(marketer: FlaskClient, furnished: Furnished) -> None:
    uri = link(furnished, furnished.serial(9)).upper()
    picture = io.BytesIO(symbols.png(uri, pixels_per_module=6))
    answer = marketer.post("/console/codes/picture", data={"photo": (picture, "label.png")})
    assert answer.status_code == 303
    assert "Row 9 of 100" in words_of(marketer.get(answer.location).text)
    empty = io.BytesIO()
    Image.new("L", (200, 200), 255).save(empty, "PNG")
    empty.seek(0)
    for raw, status, said in (
        (empty, 422, "No code was found in the picture."),
        (io.BytesIO(b"GIF89a nothing"), 422, "JPEG, PNG and WebP work"),
        (io.BytesIO(b""), 422, "No code was found in the picture."),
    ):
        refused = marketer.post("/console/codes/picture", data={"photo": (raw, "x.png")})
        assert refused.status_code == status
        assert said in refused.text
    huge = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(huge, "PNG")
    huge.seek(0)
    assert marketer.post("/console/codes/picture", data={"photo": (huge, "x.png")}).status_code == 413
    assert marketer.post("/console/codes/picture").status_code == 422


def test_a_code_of_a_draft_shows_no_symbol(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        roll = orders.place(
            session,
            tenant_id=furnished.tenant_id,
            gtin=None,
            profile=Profile.SHORT,
            quantity=5,
            lot="ROLL",
            stage=orders.Stage.DRAFT,
            request_id="draft",
            now=NOW,
            actor="alice",
        )
    page = look(marketer, furnished.cipher.serial_of(roll.first_counter))
    assert "Not yet: nobody has said what the label stands on." in page
    assert "SVG" not in page


def test_the_history_of_a_code_says_from_when_on_it_is_kept(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    typed = link(furnished, furnished.serial(1))
    assert "Nobody has scanned it yet." in look(marketer, typed)
    scan(database, furnished, at=NOW - timedelta(days=100))
    drop_scans(database, furnished, since=NOW - timedelta(days=101), until=NOW)
    assert "No scan of it is stored. Single scans before 2026-09-01 are no longer kept." in look(marketer, typed)
