"""Marks of orders: as ordered, as changed, decided once; and the press that draws them."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import zxingcpp

from codegen import audit, brands, marking, marks, orders
from codegen.brands import Brand
from codegen.cipher import SerialCipher
from codegen.keys import keyring
from codegen.kinds import Profile
from codegen.lifecycle.order_life import close
from codegen.marks import MarkChangedOften, MarkFixed, MarkOfClosedOrder, MarkRequestDiffers
from codegen.orders import CodeOrder, Stage
from codegen.proofs import Proofs
from codegen.symbology import symbol_checks
from codegen.symbology.mark_specs import MarkSigned, MarkSpec, MarkWithoutGtin, Masking, Symbology
from codegen.symbology.symbol_limits import Level
from tests.codegen import packaging
from tests.codegen.conftest import KEK, NOW, Inside

FINE = MarkSpec(level=Level.H, module_mm=Decimal("0.3"), dpi=1200)
MATRIX = MarkSpec(symbology=Symbology.GS1_DATAMATRIX)


def placed(inside: Inside, tea: Brand, gtin: str | None, mark: MarkSpec | None = None, **wanted: Any) -> CodeOrder:
    with inside() as session:
        return orders.place(
            session,
            tenant_id=tea.tenant_id,
            gtin=gtin,
            mark=mark,
            **{"quantity": 50, "lot": "L1", "request_id": "m1", "now": NOW, "actor": "alice", **wanted},
        )


def change(inside: Inside, tea: Brand, order: CodeOrder, spec: MarkSpec, *, now: datetime = NOW) -> MarkSpec:
    with inside() as session:
        marks.change(session, spec, tenant_id=tea.tenant_id, order_id=order.id, now=now, actor="bob")
    return of_order(inside, tea, order)


def of_order(inside: Inside, tea: Brand, order: CodeOrder) -> MarkSpec:
    with inside() as session:
        return marks.of_order(session, order.id, tenant_id=tea.tenant_id).spec


def cipher_and_origin(inside: Inside, tea: Brand) -> tuple[SerialCipher, str]:
    with inside() as session:
        cipher = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        return cipher, brands.load(session, tenant_id=tea.tenant_id).scan_origin


def decided(inside: Inside, tea: Brand, order: CodeOrder) -> marks.Mark:
    cipher, origin = cipher_and_origin(inside, tea)
    with inside() as session:
        return marking.decided(session, order, cipher, tenant_id=tea.tenant_id, origin=origin, now=NOW, actor="alice")


def test_an_order_has_the_mark_that_it_was_placed_with_and_the_same_request_the_same(
    inside: Inside, tea: Brand, gtin: str
) -> None:
    plain, fine = placed(inside, tea, gtin, request_id="plain"), placed(inside, tea, gtin, FINE)
    assert (of_order(inside, tea, plain), of_order(inside, tea, fine)) == (marks.USUAL, FINE)
    assert placed(inside, tea, gtin, FINE) == fine
    for other in (None, MATRIX):
        with pytest.raises(MarkRequestDiffers):
            placed(inside, tea, gtin, other)
    change(inside, tea, fine, MATRIX)
    assert placed(inside, tea, gtin, FINE) == fine  # the same request again, whatever became of the order since


def test_a_mark_is_changed_with_a_line_in_the_audit_until_codes_were_given_away(inside: Inside, tea: Brand, gtin: str) -> None:
    packaging.printer(inside, tea, "Anna Print")
    order = placed(inside, tea, gtin, stage=Stage.DRAFT)
    assert change(inside, tea, order, FINE) == change(inside, tea, order, FINE) == FINE
    with inside() as session:
        told = [line for line in audit.of_order(session, order.id, tenant_id=tea.tenant_id) if line.action == "order.marked"]
    assert [(line.actor, line.facts["level"]) for line in told] == [("bob", "H")]
    other = placed(inside, tea, gtin, request_id="m2")
    packaging.asked(inside, tea, other, "Anna Print", last=10)
    with pytest.raises(MarkFixed):
        change(inside, tea, other, FINE)
    assert change(inside, tea, other, marks.USUAL) == marks.USUAL
    with inside() as session:
        close(session, order.id, tenant_id=tea.tenant_id, now=NOW, actor="alice")
    with pytest.raises(MarkOfClosedOrder):
        change(inside, tea, order, MATRIX)


def test_changes_have_an_end(inside: Inside, tea: Brand, gtin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "CHANGES_MAX", 2)
    order = placed(inside, tea, gtin)
    for spec in (FINE, MATRIX):
        change(inside, tea, order, spec)
    with pytest.raises(MarkChangedOften):
        change(inside, tea, order, FINE)


def test_a_matrix_is_refused_where_it_cannot_say_what_the_codes_say(inside: Inside, tea: Brand, gtin: str) -> None:
    with pytest.raises(MarkWithoutGtin):
        placed(inside, tea, None, MATRIX, profile=Profile.SHORT)
    with pytest.raises(MarkSigned):
        placed(inside, tea, gtin, MATRIX, proofs=Proofs(signed=True))
    signed = placed(inside, tea, gtin, proofs=Proofs(signed=True))
    with pytest.raises(MarkSigned):
        change(inside, tea, signed, MATRIX)


def test_the_mask_is_decided_once_and_stays(inside: Inside, tea: Brand, gtin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order = placed(inside, tea, gtin)
    first = decided(inside, tea, order)
    assert first.mask is not None
    monkeypatch.setattr(marking, "SAMPLE", 1)
    assert decided(inside, tea, order) == first
    each = placed(inside, tea, gtin, MarkSpec(mask=Masking.SYMBOL), request_id="m2")
    assert decided(inside, tea, each).mask is None


@pytest.mark.parametrize("proofs", [Proofs(), Proofs(signed=True)])
@pytest.mark.parametrize("spec", [FINE, MarkSpec(version=9, mask=Masking.SYMBOL), MarkSpec(quiet_modules=2)])
def test_the_press_draws_what_is_printed(inside: Inside, tea: Brand, gtin: str, spec: MarkSpec, proofs: Proofs) -> None:
    order = placed(inside, tea, gtin, spec, proofs=proofs)
    cipher, origin = cipher_and_origin(inside, tea)
    mark = decided(inside, tea, order)
    press = marking.press_of(order, cipher, origin=origin, spec=mark.spec, mask=mark.mask)
    listed = marking.listed(order, cipher, origin=origin, first=11, count=5)
    rows = press.draw(listed.texts)
    assert rows.shape[1] == press.side == press.size.modules + 2 * spec.quiet
    assert press.size.version >= (spec.version or 1)
    faults = (
        symbol_checks.check(rows, side=press.side, texts=listed.uris(), level=spec.level, chance=np.random.default_rng(1))
        if spec.quiet == 4
        else []
    )
    assert faults == []


def test_a_matrix_holds_gtin_and_serial(inside: Inside, tea: Brand, gtin: str) -> None:
    spec = replace(MATRIX, quiet_modules=3)
    order = placed(inside, tea, gtin, spec)
    cipher, origin = cipher_and_origin(inside, tea)
    press = marking.press_of(order, cipher, origin=origin, spec=spec, mask=None)
    listed = marking.listed(order, cipher, origin=origin, first=1, count=2)
    picture = symbol_checks.pictured(press.draw(listed.texts)[1], side=press.side)
    (read,) = zxingcpp.read_barcodes(picture)
    assert (read.text, read.symbology_identifier) == (f"(01){gtin}(21){cipher.serial_of(order.first_counter + 1)}", "]d2")
