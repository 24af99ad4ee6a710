"""The order wizard: the live preview, what packaging makes of a quantity, the second look, and one order of it all."""

import base64
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from codegen import marks, orders
from codegen.orders import CodeOrder, Stage
from codegen.print_packages.guarding import recipients
from codegen.symbology import photos
from codegen.symbology.mark_specs import MarkSpec, Symbology
from kit.db import transaction
from kit.settings import Settings
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.scans import words_of
from tests.web.test_console_codes import all_orders, order_form


def preview(client: FlaskClient, furnished: Furnished, **typed: Any) -> str:
    form = {name: value for name, value in order_form(client, furnished, **typed).items() if name != "do"}
    answer = client.get("/console/orders/new/preview", query_string=form)
    assert answer.status_code == 200
    return answer.text


def newest(database: Database, furnished: Furnished) -> CodeOrder:
    return all_orders(database, furnished)[-1]


def test_the_preview_draws_the_mark_and_tells_its_cost(marketer: FlaskClient, furnished: Furnished) -> None:
    page = preview(marketer, furnished, quantity="2,000,000", module_mm="0,423", dpi="600")
    said = words_of(page)
    assert "QR version 5, 37 × 37 modules" in said or "QR version 4, 33 × 33 modules" in said
    assert "0.423 mm: 10 dots at 600 dpi" in said
    assert "comfortably" in said
    assert re.search(r"A CSV file of about 2\d\d MB", said)
    drawn = [base64.b64decode(found) for found in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", page)]
    assert len(drawn) == 2
    assert b'mm" height="' in drawn[0]
    on_label = preview(marketer, furnished, label="roll-40x30")
    assert on_label.count("data:image/svg") == 3


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"module_mm": "0.2"}, "too small: phones fail below"),
        ({"module_mm": "0.17", "dpi": "203"}, "Only 1 dots for a module"),
        ({"level": "L", "surface": "curved"}, "Error correction L is low for this surface and size. Take Q."),
        ({"module_mm": "2", "label": "roll-40x30"}, "does not fit the label"),
        ({"symbology": "gs1_datamatrix"}, "DataMatrix, "),
        ({"symbology": "gs1_datamatrix", "gtin": "blank", "profile": "short"}, "Mark them with QR codes."),
        ({"signed": "y"}, "?s=…"),
        ({"module_mm": ""}, "The mark is not complete yet."),
        ({"kind": "nonsense"}, "Item, outside 5,000"),
        ({"profile": "nonsense"}, "The mark is not complete yet."),
        ({"surface": "nonsense", "dpi": "x"}, "The mark is not complete yet."),
        ({"label": "nonsense"}, "There is no label template"),
        ({"gtin": "x"}, "Choose a product to see the mark"),
        ({"quantity": "24000", "items_per_case": "24", "cases_per_pallet": "41"}, "The next quantities that do: 23616, 24600."),
        (
            {"quantity": "9600", "items_per_case": "24", "cases_per_pallet": "40", "inner": "y"},
            "Item, outside 9,600 Item, inside 9,600 Case 400 Pallet 10 Codes 19,610",
        ),
    ],
)
def test_the_preview_warns_and_counts(marketer: FlaskClient, furnished: Furnished, typed: dict[str, str], said: str) -> None:
    found = words_of(preview(marketer, furnished, **typed))
    assert said in found


def test_a_ratio_that_does_not_divide_is_refused_with_what_would(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    form = order_form(marketer, furnished, quantity="1000", items_per_case="24")
    for wish in ("", "order", "draft"):
        refused = marketer.post("/console/orders/new", data={**form, "do": wish})
        assert refused.status_code == 422
        assert "1000 items do not fill whole packages of 24. The next quantities that do: 984, 1008." in refused.text
    assert (
        "Pallets are made of cases"
        in marketer.post("/console/orders/new", data={**form, "items_per_case": "", "cases_per_pallet": "5"}).text
    )
    assert "A case holds 1 to 100000 items" in marketer.post("/console/orders/new", data={**form, "items_per_case": "0"}).text
    assert len(all_orders(database, furnished)) == 1


def test_the_second_look_orders_nothing_and_the_button_orders_once(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    form = order_form(
        marketer, furnished, quantity="9600", items_per_case="24", cases_per_pallet="40", inner="y", module_mm="0.4"
    )
    looked = marketer.post("/console/orders/new", data={**form, "do": ""})
    assert looked.status_code == 200
    page = words_of(looked.text)
    assert "19,610 codes · Tea" in page
    assert "9,600 × Item, outside, 9,600 × Item, inside, 400 × Case, 10 × Pallet" in page
    assert len(all_orders(database, furnished)) == 1
    hidden = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', looked.text))
    assert hidden.pop("request_id") == form["request_id"]
    back = marketer.post("/console/orders/new", data={**hidden, "request_id": form["request_id"], "do": "edit"})
    assert 'value="9600"' in back.text
    answers = [
        marketer.post("/console/orders/new", data={**hidden, "request_id": form["request_id"], "do": "order"}) for _ in range(2)
    ]
    assert answers[0].location == answers[1].location
    assert len(all_orders(database, furnished)) == 2
    order = newest(database, furnished)
    assert (order.items, order.quantity, order.stage) == (9600, 19_610, Stage.ISSUED)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        spec = marks.of_order(session, order.id, tenant_id=furnished.tenant_id).spec
    assert str(spec.module_mm) == "0.4"


def test_a_draft_a_blank_roll_and_proofs_are_ordered_as_wished(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    draft = order_form(marketer, furnished, quantity="10", lot="D1", do="draft", pin="y", signed="y", activate="y")
    page = marketer.post("/console/orders/new", data=draft, follow_redirects=True)
    assert "A draft of 10 codes for lot D1." in page.text
    made = newest(database, furnished)
    assert (made.stage, made.proofs.pin, made.proofs.signed) == (Stage.DRAFT, True, True)
    blank = order_form(marketer, furnished, gtin="blank", profile="gs1", lot="ROLL1")
    assert "Codes without a product are printed in the short profile" in marketer.post("/console/orders/new", data=blank).text
    marketer.post("/console/orders/new", data={**blank, "profile": "short"})
    assert newest(database, furnished).blank
    matrix = order_form(marketer, furnished, symbology="gs1_datamatrix", lot="M1")
    refused = marketer.post("/console/orders/new", data={**matrix, "signed": "y"})
    assert refused.status_code == 422
    assert "A GS1 DataMatrix has no room for the public signature." in refused.text
    marketer.post("/console/orders/new", data=matrix)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        order = orders.of_lot(session, tenant_id=furnished.tenant_id, lot="M1")[0]
        spec = marks.of_order(session, order.id, tenant_id=furnished.tenant_id).spec
    assert spec == MarkSpec(symbology=Symbology.GS1_DATAMATRIX)


def test_an_order_for_a_printer_leads_to_its_files(
    marketer: FlaskClient, furnished: Furnished, database: Database, settings: Settings
) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        recipients.add(
            session, tenant_id=furnished.tenant_id, name="Press A", contact="", kek=settings.kek_bytes, now=NOW, actor="alice"
        )
    form = order_form(marketer, furnished, quantity="100", lot="P1", printer="Press A", parts_of="50")
    answer = marketer.post("/console/orders/new", data=form)
    assert "/packages?recipient=Press+A&parts_of=50" in answer.location
    page = marketer.get(answer.location)
    assert re.search(r'<option selected value="Press A"', page.text)
    assert re.search(r'name="parts_of"[^>]*value="50"|value="50"[^>]*name="parts_of"', page.text)


def test_the_symbol_of_a_row_is_the_orders_mark_and_a_draft_has_none(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    marketer.post("/console/orders/new", data=order_form(marketer, furnished, symbology="gs1_datamatrix", lot="M1"))
    matrix = newest(database, furnished)
    picture = marketer.get(f"/console/orders/{matrix.id}/symbols/3.png").data
    serial = furnished.cipher.serial_of(matrix.first_counter + 2)
    assert photos.codes(picture) == (f"(01){furnished.gtin}(21){serial}",)
    signed = order_form(marketer, furnished, signed="y", level="L", lot="S1")
    marketer.post("/console/orders/new", data=signed)
    picture = marketer.get(f"/console/orders/{newest(database, furnished).id}/symbols/1.png").data
    (text,) = photos.codes(picture)
    assert re.fullmatch(rf"HTTPS://.*/01/{furnished.gtin}/21/[0-9A-Z]{{20}}\?s=[A-Za-z0-9_-]{{86}}", text)
    marketer.post("/console/orders/new", data=order_form(marketer, furnished, lot="D1", do="draft"))
    draft = newest(database, furnished)
    for path in ("symbols/1.png", "symbols/1.svg", "codes.csv"):
        assert marketer.get(f"/console/orders/{draft.id}/{path}").status_code == 409
