"""Who is given which rows: once each, with canaries that stay, and named when one of them leaks."""

import io
from pathlib import Path

import pytest

from codegen import orders
from codegen.brands import Brand
from codegen.keys import keyring
from codegen.kinds import Kind
from codegen.orders import CodeOrder
from codegen.print_packages import file_designs, manifests, packages, templates
from codegen.print_packages.file_designs import FileDesign, Format, PartTooLarge
from codegen.print_packages.guarding import canaries
from codegen.print_packages.packages import Package, Printing
from codegen.print_packages.templates import Content
from codegen.proofs import Proofs
from kit.db import transaction
from kit.ids import uuid7
from tests.codegen import packaging
from tests.codegen.conftest import KEK, NOW, Inside, ordered
from tests.codegen.packaging import asked, made
from tests.conftest import Database


@pytest.fixture
def order(inside: Inside, tea: Brand, gtin: str) -> CodeOrder:
    packaging.printer(inside, tea, "Anna Print")
    packaging.printer(inside, tea, "Bert Caps")
    with inside() as session:
        return ordered(session, tea, gtin, quantity=1000, proofs=Proofs(pin=True))


def serials(raw: bytes) -> list[str]:
    return [line.split(",")[1] for line in raw.decode().splitlines()[1:]]


def covering(inside: Inside, tea: Brand, serial: str) -> list[tuple[str, int, int]]:
    with inside() as session:
        cipher = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
        n = cipher.counter_of(serial)
        assert n is not None
        found = packages.covering(session, tenant_id=tea.tenant_id, epoch=0, counter=n)
    return [(one.recipient, one.first, one.last) for one in found]


def test_every_row_of_a_package_names_its_recipient_and_part(
    inside: Inside, tea: Brand, order: CodeOrder, tmp_path: Path
) -> None:
    anna = asked(inside, tea, order, "Anna Print", first=1, last=600)
    bert = asked(inside, tea, order, "Bert Caps", first=601, last=1000)
    lists = {one.recipient: serials(made(inside, tea, one, tmp_path)) for one in (anna, bert)}
    assert [len(lists[name]) for name in ("Anna Print", "Bert Caps")] == [602, 402]
    for serial in lists["Anna Print"][::50] + lists["Anna Print"][-1:]:
        assert covering(inside, tea, serial) == [("Anna Print", 1, 600)]
    for serial in lists["Bert Caps"][::50]:
        assert covering(inside, tea, serial) == [("Bert Caps", 601, 1000)]
    with inside() as session:
        cipher = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
    ordinary = {cipher.serial_of(order.first_counter + row) for row in range(1000)}
    (one, other) = (set(lists[name]) - ordinary for name in ("Anna Print", "Bert Caps"))
    assert (len(one), len(other), len(one & other)) == (2, 2, 0)
    assert {who for serial in one for who in covering(inside, tea, serial)} == {("Anna Print", 1, 600)}
    assert {who for serial in other for who in covering(inside, tea, serial)} == {("Bert Caps", 601, 1000)}


def test_the_manifest_lists_the_canaries_and_a_printer_verifies_it(
    inside: Inside, tea: Brand, order: CodeOrder, tmp_path: Path
) -> None:
    package = asked(inside, tea, order, "Anna Print", canary_count=20)
    raw = made(inside, tea, package, tmp_path)
    found = manifests.verify(packaging.manifest(inside, tea, package), io.BytesIO(raw), keys=packaging.keys(inside, tea))
    assert (found.rows, found.codes, len(found.skip), found.recipient) == (1020, 1000, 20, "Anna Print")
    printed = [serial for row, serial in enumerate(serials(raw), start=1) if row not in found.skip]
    with inside() as session:
        cipher = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
    assert printed == [cipher.serial_of(order.first_counter + row) for row in range(1000)]


def test_rows_are_given_once_and_the_refusal_names_who_has_them(inside: Inside, tea: Brand, order: CodeOrder) -> None:
    asked(inside, tea, order, "Anna Print", first=101, last=200)
    for first, last in ((101, 200), (1, 101), (200, 1000), (150, 160), (1, 1000)):
        with pytest.raises(packages.PartGiven, match=r"101 to 200.*'Anna Print'"):
            asked(inside, tea, order, "Bert Caps", first=first, last=last)
    asked(inside, tea, order, "Bert Caps", first=1, last=100)
    asked(inside, tea, order, "Bert Caps", first=201)
    asked(inside, tea, order, "Bert Caps", content=Content.PINS, design=FileDesign(template=templates.PINS))


def test_pins_are_printed_only_where_scans_will_ask_for_them(inside: Inside, tea: Brand, gtin: str) -> None:
    packaging.printer(inside, tea, "Bert Caps")
    with inside() as session:
        plain = ordered(session, tea, gtin)
    with pytest.raises(packages.PinsNotOrdered):
        asked(inside, tea, plain, "Bert Caps", content=Content.PINS, design=FileDesign(template=templates.PINS))


def test_a_reprint_is_deliberate_and_has_the_same_canaries_for_the_same_recipient(
    inside: Inside, tea: Brand, order: CodeOrder, tmp_path: Path
) -> None:
    first = asked(inside, tea, order, "Anna Print")
    again = asked(inside, tea, order, "Anna Print", printing=Printing.REPRINT)
    other = asked(inside, tea, order, "Bert Caps", printing=Printing.REPRINT)
    files = [made(inside, tea, one, tmp_path) for one in (first, again, other)]
    assert files[0] == files[1] != files[2]
    assert covering(inside, tea, serials(files[2])[500])[0][0] == "Anna Print"
    canary = min(set(serials(files[2])) - set(serials(files[0])))
    assert [who for who, _, _ in covering(inside, tea, canary)] == ["Bert Caps"]


def test_asking_twice_is_asking_once(inside: Inside, tea: Brand, order: CodeOrder) -> None:
    package_id = uuid7(NOW)
    first = asked(inside, tea, order, "Anna Print", package_id=package_id)
    assert asked(inside, tea, order, "Anna Print", package_id=package_id) == first
    for other in ({"last": 5}, {"canary_count": 3}, {"design": FileDesign(template=templates.built_in("tsv"))}):
        with pytest.raises(packages.PackageDiffers):
            asked(inside, tea, order, "Anna Print", package_id=package_id, **other)
    with pytest.raises(packages.PackageDiffers):
        asked(inside, tea, order, "Bert Caps", package_id=package_id)


def test_canaries_of_another_epoch_would_show_and_are_refused(inside: Inside, tea: Brand, order: CodeOrder) -> None:
    with inside() as session:
        keyring.open_epoch(session, tenant_id=tea.tenant_id, kek=KEK, now=NOW)
    with pytest.raises(packages.CanariesShow):
        asked(inside, tea, order, "Anna Print")
    assert asked(inside, tea, order, "Anna Print", canary_count=0).canaries == 0


def test_what_cannot_be_packaged(inside: Inside, tea: Brand, order: CodeOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    package = asked(inside, tea, order, "Anna Print", first=1, last=10)
    with inside() as session:
        listed = packages.of_order(session, order.id, tenant_id=tea.tenant_id)
    assert listed == [package]
    with pytest.raises(canaries.CanariesOutOfLimits):
        asked(inside, tea, order, "Anna Print", first=20, last=30, canary_count=12)
    monkeypatch.setattr(file_designs, "CODES_MAX", {Format.ROWS: 900})
    with pytest.raises(PartTooLarge):
        asked(inside, tea, order, "Anna Print", printing=Printing.REPRINT)
    with inside() as session:
        (canary_order,) = [one for one in orders.every(session, tenant_id=tea.tenant_id) if one.kind is Kind.CANARY]
    assert (canary_order.quantity, canary_order.lot, canary_order.gtin) == (2, order.lot, order.gtin)
    with pytest.raises(packages.CanariesNotPrinted):
        asked(inside, tea, canary_order, "Anna Print", canary_count=0)


def test_another_brand_sees_nothing(inside: Inside, tea: Brand, order: CodeOrder, rival: Brand, database: Database) -> None:
    package = asked(inside, tea, order, "Anna Print")
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session:
        with pytest.raises(packages.PackageUnknown):
            packages.find(session, package.id, tenant_id=rival.tenant_id)
        assert packages.covering(session, tenant_id=rival.tenant_id, epoch=0, counter=order.first_counter) == []
        assert packages.unfinished(session, tenant_id=rival.tenant_id, now=NOW) == []


def test_a_packages_facts(inside: Inside, tea: Brand, order: CodeOrder) -> None:
    package: Package = asked(inside, tea, order, "Anna Print", first=11, last=20)
    assert (package.first, package.last, package.codes, package.canaries) == (11, 20, 10, 2)
    with inside() as session, pytest.raises(packages.PackageNotReady):
        packages.manifest_of(session, package.id, tenant_id=tea.tenant_id)


def test_items_and_cases_go_into_packages_of_their_own(
    inside: Inside, tea: Brand, order: CodeOrder, gtin: str, tmp_path: Path
) -> None:
    with inside() as session:
        packed = orders.place(
            session,
            tenant_id=tea.tenant_id,
            gtin=gtin,
            quantity=100,
            items_per_case=10,
            lot="L2",
            request_id="packed",
            now=NOW,
            actor="alice",
        )
    with pytest.raises(packages.PartMixed, match=r"item_outer 1\.\.100, case 101\.\.110"):
        asked(inside, tea, packed, "Anna Print")
    items = asked(inside, tea, packed, "Anna Print", last=100)
    cases = asked(inside, tea, packed, "Bert Caps", first=101)
    for package, kind in ((items, "item_outer"), (cases, "case")):
        lines = made(inside, tea, package, tmp_path).decode().splitlines()[1:]
        assert {line.split(",")[4] for line in lines} == {kind}
        assert len(lines) == package.codes + 2
