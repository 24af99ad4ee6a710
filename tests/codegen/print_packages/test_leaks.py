"""Leaks: which scans are one, and whom they name."""

import pytest

from codegen.brands import Brand
from codegen.kinds import Kind
from codegen.lifecycle.ranges import CodeState
from codegen.print_packages import leaks, packages
from codegen.print_packages.leaks import LeakReason
from codegen.print_packages.packages import Package
from tests.codegen import packaging
from tests.codegen.conftest import Inside, ordered


@pytest.fixture
def given(inside: Inside, tea: Brand, gtin: str) -> list[Package]:
    packaging.printer(inside, tea, "Anna Print")
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
    packaging.asked(inside, tea, order, "Anna Print")
    with inside() as session:
        return packages.covering(session, tenant_id=tea.tenant_id, epoch=0, counter=order.first_counter + 4)


@pytest.mark.parametrize(
    ("kind", "state", "reason"),
    [
        (Kind.CANARY, CodeState.INACTIVE, LeakReason.CANARY),
        (Kind.CANARY, CodeState.ACTIVE, LeakReason.CANARY),
        (Kind.ITEM_OUTER, CodeState.VOID, LeakReason.VOID),
        (Kind.ITEM_OUTER, CodeState.INACTIVE, LeakReason.INACTIVE),
        (Kind.CASE, CodeState.PRINTED, LeakReason.INACTIVE),
    ],
)
def test_a_leak_names_recipient_part_and_operator(given: list[Package], kind: Kind, state: CodeState, reason: LeakReason) -> None:
    leak = leaks.judged(kind=kind, state=state, given=given)
    assert leak is not None
    (package,) = leak.packages
    assert (leak.reason, package.recipient, package.first, package.last) == (reason, "Anna Print", 1, 10)
    assert package.requested_by == "alice"


def test_released_codes_and_codes_that_nobody_was_given_are_none(given: list[Package]) -> None:
    assert leaks.judged(kind=Kind.ITEM_OUTER, state=CodeState.ACTIVE, given=given) is None
    assert leaks.judged(kind=Kind.ITEM_OUTER, state=CodeState.RECALLED, given=given) is None
    assert leaks.judged(kind=Kind.CANARY, state=CodeState.INACTIVE, given=[]) is None
