"""What is known of a code: each text gets one finding, and a code its order, place, product and history."""

from datetime import timedelta

import pytest

from codegen import explain
from codegen.brands import Brand
from codegen.explain import Explanation, Finding
from codegen.keys import keyring
from codegen.lifecycle import ranges
from codegen.lifecycle.ranges import CodeState
from kit.db import transaction
from tests.codegen.conftest import GTIN, KEK, NOW, Inside, ordered
from tests.conftest import Database


def told(inside: Inside, tea: Brand, text: str) -> Explanation:
    with inside() as session:
        return explain.explain(session, tenant_id=tea.tenant_id, text=text, kek=KEK)


@pytest.fixture
def serial(inside: Inside, tea: Brand, gtin: str) -> str:
    """Row 5 of the second order, active, its rows 1 to 3 void."""
    with inside() as session:
        ordered(session, tea, gtin, quantity=10, request_id="a")
        order = ordered(session, tea, gtin, quantity=10, request_id="b", lot="L2")
        ranges.activate(session, tenant_id=tea.tenant_id, order_id=order.id, reason="shipped", now=NOW, actor="alice")
        ranges.void(
            session, tenant_id=tea.tenant_id, order_id=order.id, last=3, reason="torn", now=NOW + timedelta(1), actor="bob"
        )
        return keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK).serial_of(order.first_counter + 4)


def test_a_code_is_told_with_order_place_product_and_history(inside: Inside, tea: Brand, gtin: str, serial: str) -> None:
    for text in (
        serial,
        f" {serial.lower()[:10]}-{serial.lower()[10:]} ",
        f"HTTPS://ANY.EXAMPLE/01/{gtin}/21/{serial}?s=1#x",
        f"any.example/01/{gtin}/10/L2/21/{serial}",
        f"/{serial}",
        f"https://any.example/{serial.lower()}",
    ):
        found = told(inside, tea, text)
        assert found.finding is Finding.ACTIVE, text
        assert (found.serial, found.epoch, found.counter, found.row) == (serial, 0, 14, 5)
        assert found.order is not None
        assert found.product is not None
        assert (found.order.lot, found.product.name) == ("L2", "Tea")
        assert [(one.state, one.stretch.reason, one.stretch.decided_by) for one in found.history] == [
            (CodeState.ACTIVE, "shipped", "alice")
        ]


def test_a_void_code_tells_both_decisions(inside: Inside, tea: Brand, serial: str) -> None:
    with inside() as session:
        voided = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK).serial_of(10)
    found = told(inside, tea, voided)
    assert found.finding is Finding.VOID
    assert [one.state for one in found.history] == [CodeState.ACTIVE, CodeState.VOID]


def test_an_altered_code_is_forged(inside: Inside, tea: Brand, serial: str) -> None:
    altered = serial[:9] + ("A" if serial[9] != "A" else "B") + serial[10:]
    assert told(inside, tea, altered).finding is Finding.FORGED


def test_another_brands_code_is_not_ours(inside: Inside, database: Database, tea: Brand, rival: Brand) -> None:
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session:
        theirs = keyring.cipher(session, tenant_id=rival.tenant_id, epoch=0, kek=KEK).serial_of(0)
    assert told(inside, tea, theirs).finding is Finding.FORGED


def test_a_code_that_nobody_ordered_has_no_range(inside: Inside, tea: Brand, serial: str) -> None:
    with inside() as session:
        beyond = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK).serial_of(20)
    found = told(inside, tea, beyond)
    assert (found.finding, found.counter) == (Finding.NO_RANGE, 20)


def test_the_right_code_under_another_product_is_told_so(inside: Inside, tea: Brand, serial: str) -> None:
    found = told(inside, tea, f"https://any.example/01/{GTIN}/21/{serial}")
    assert found.finding is Finding.WRONG_GTIN
    assert found.state is CodeState.ACTIVE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not_a_serial"),
        ("hello", "not_a_serial"),
        ("Z" * 20, "not_a_serial"),
        ("x" * 5000, "not_a_serial"),
        ("https://any.example/01/09521234543214/21/X", "dl_check_digit"),
        ("https://any.example/", "dl_syntax"),
        ("https://[::1/01", "dl_syntax"),
    ],
)
def test_what_is_no_code_is_told_why(inside: Inside, tea: Brand, text: str, problem: str) -> None:
    found = told(inside, tea, text)
    assert (found.finding, found.problem) == (Finding.UNREADABLE, problem)


def test_an_epoch_that_the_brand_never_opened_is_unknown(inside: Inside, tea: Brand, serial: str) -> None:
    assert told(inside, tea, "5" + serial[1:]).finding is Finding.EPOCH_UNKNOWN
