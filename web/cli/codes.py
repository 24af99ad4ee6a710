"""`onemark codes`: order, export and explain codes. What is decided about them stands in `code_decisions`, their looks in `code_marks`."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec
from sqlalchemy.orm import Session

from codegen import brands, explain, orders, reentry
from codegen.cipher import SerialCipher
from codegen.code_lists import listing
from codegen.keys import keyring
from codegen.kinds import Kind, Profile
from codegen.lifecycle import ranges
from codegen.orders import CodeOrder, Stage
from codegen.print_packages import packages
from codegen.proofs import Proofs
from kit import chance
from web.cli.mark_options import given_mark, mark_options
from web.cli.root import ACTOR, answer, brand_option, cli, json_option, onemark, progress
from web.instance import Instance


@cli.group("codes")
def group() -> None:
    """Codes: orders of them, files of them, and what one of them is."""


@group.command("order")
@click.option("--gtin", help="The product. Without it the codes are blank, and bound to one later: codes bind.")
@click.option("--quantity", required=True, type=int, help="1 to 1,000,000,000.")
@click.option("--lot", required=True, help="The production lot that the codes belong to; of blank codes the name of their roll.")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), default=Kind.ITEM_OUTER.value, show_default=True)
@click.option(
    "--profile", type=click.Choice([profile.value for profile in Profile]), default=Profile.GS1.value, show_default=True
)
@click.option("--items-per-case", type=int, help="With codes for cases of so many items.")
@click.option("--cases-per-pallet", type=int, help="With codes for pallets of so many cases.")
@click.option("--inner", is_flag=True, help="With a second code inside each item.")
@click.option("--signed", is_flag=True, help="With a public signature in each address, which anybody can check without us.")
@click.option("--pin", is_flag=True, help="With a PIN under a scratch-off layer on each item: packages make --pins.")
@click.option("--activate", is_flag=True, help="Release the codes at once: their scans are genuine.")
@click.option("--draft", is_flag=True, help="Only a draft: nothing of it is printed or released before `codes issue`.")
@click.option("--request-id", help="Your id of this request: sent again with the same data it gives the same order.")
@mark_options
@brand_option
@json_option
def order(
    gtin: str | None,
    quantity: int,
    lot: str,
    kind: str,
    profile: str,
    items_per_case: int | None,
    cases_per_pallet: int | None,
    request_id: str | None,
    tenant: str | None,
    *,
    inner: bool,
    signed: bool,
    pin: bool,
    activate: bool,
    draft: bool,
    as_json: bool,
    **mark: Any,
) -> None:
    """Order a range of codes. A billion codes cost one row."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        now = instance.clock.now()
        with instance.transaction(tenant_id) as session:
            placed = orders.place(
                session,
                tenant_id=tenant_id,
                gtin=gtin,
                quantity=quantity,
                lot=lot,
                kind=Kind(kind),
                profile=Profile(profile),
                inner=inner,
                items_per_case=items_per_case,
                cases_per_pallet=cases_per_pallet,
                proofs=Proofs(signed=signed, pin=pin),
                mark=given_mark(mark),
                stage=Stage.DRAFT if draft else Stage.ISSUED,
                request_id=request_id or chance.token(),
                now=now,
                actor=ACTOR,
            )
            if activate:
                ranges.activate(session, tenant_id=tenant_id, order_id=placed.id, now=now, actor=ACTOR)
    answer(
        {
            "order_id": placed.id,
            "gtin": placed.gtin or None,
            "lot": placed.lot,
            "quantity": placed.items,
            "codes": placed.quantity,
            "epoch": placed.epoch,
            "first_counter": placed.first_counter,
            **placed.proofs.columns(),
            "stage": placed.stage,
            "state": "active" if activate else "inactive",
        },
        as_json=as_json,
        sentence=f"Order {placed.id}: {placed.quantity:,} codes, lot {placed.lot}, {'active' if activate else 'not active yet'}.",
    )


@group.command("list")
@brand_option
@json_option
def list_orders(tenant: str | None, *, as_json: bool) -> None:
    """List the orders, oldest first."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = orders.every(session, tenant_id=tenant_id)
    answer(
        {"orders": [{"order_id": str(one.id), "gtin": one.gtin, "lot": one.lot, "quantity": one.quantity} for one in found]},
        as_json=as_json,
        sentence="\n".join(f"{one.id}  {one.gtin}  {one.lot:20}  {one.quantity:>13,}" for one in found) or "No orders yet.",
    )


@group.command("record")
@click.argument("order_id", type=click.UUID)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; default: stdout.")
@brand_option
def write_record(order_id: UUID, out: Path | None, tenant: str | None) -> None:
    """Write an order's record, from which `codes reenter` brings it back. Keep it apart from the database."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            record = reentry.record(orders.find(session, order_id, tenant_id=tenant_id))
    text = msgspec.json.format(msgspec.json.encode(record)).decode()
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")


@group.command("reenter")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@brand_option
@json_option
def reenter(file: Path, tenant: str | None, *, as_json: bool) -> None:
    """Enter an order again that a restored backup has lost. Its codes are inactive until they are released again."""
    record = reentry.read(file.read_bytes())
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = reentry.reenter(session, record, tenant_id=tenant_id, now=instance.clock.now(), actor=ACTOR)
    answer(
        {"order_id": found.id, "epoch": found.epoch, "first_counter": found.first_counter, "codes": found.quantity},
        as_json=as_json,
        sentence=f"Order {found.id}: {found.quantity:,} codes, lot {found.lot}, not active.",
    )


@group.command("export")
@click.argument("order_id", type=click.UUID)
@click.option("--out", "out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--first", type=int, default=1, help="First row of the order, counted from 1.")
@click.option("--last", type=int, default=None, help="Last row; default: the order's last.")
@brand_option
@json_option
def export(order_id: UUID, out: Path, first: int, last: int | None, tenant: str | None, *, as_json: bool) -> None:
    """Write the codes of an order as CSV. The file appears whole, or not at all."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found, cipher, origin = printable(session, instance, order_id, tenant_id=tenant_id)
        first, last = ranges.checked_rows(first=first, last=last, quantity=found.quantity)
        with progress("Codes", last - first + 1) as advance:
            told = 0

            def done(rows: int) -> None:
                nonlocal told
                advance(rows - told)
                told = rows

            rows = listing.write_file(found, cipher, origin=origin, path=out, progress=done, first=first, last=last)
    answer({"order_id": found.id, "rows": rows, "file": out}, as_json=as_json, sentence=f"{rows:,} codes in {out}")


@group.command("explain")
@click.argument("code")
@brand_option
@json_option
def explain_code(code: str, tenant: str | None, *, as_json: bool) -> None:
    """Say everything about a code, typed or scanned: a URL or a serial."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = explain.explain(session, tenant_id=tenant_id, text=code, kek=instance.settings.kek_bytes)
            given = (
                packages.covering(session, tenant_id=tenant_id, epoch=found.epoch, counter=found.counter)
                if found.epoch is not None and found.counter is not None
                else []
            )
    facts: dict[str, object] = {
        "typed": found.typed,
        "finding": found.finding,
        "problem": found.problem or None,
        "serial": found.serial,
        "epoch": found.epoch,
        "counter": found.counter,
        "row": found.row,
        "order_id": found.order.id if found.order else None,
        "gtin": (found.bound or found.order).gtin or None if found.order else None,
        "lot": (found.bound or found.order).lot if found.order else None,
        "scene": found.bound.scene if found.bound else None,
        "kind": found.kind,
        "inside": " in ".join(f"{one.kind.value} {one.serial}" for one in found.tree.above) or None,
        "twin": f"{found.tree.twin.kind.value} {found.tree.twin.serial}" if found.tree.twin else None,
        "holds": f"{found.tree.children_count:,} of {found.tree.children[0].kind.value}" if found.tree.children else None,
        "product": found.product.name if found.product else None,
        "given_to": "; ".join(f"{one.recipient}, {one.content} of rows {one.first} to {one.last}" for one in given) or None,
    }
    known = {key: value for key, value in facts.items() if value is not None}
    answer(known, as_json=as_json, sentence="\n".join(f"{key:10} {value}" for key, value in known.items()))


def printable(session: Session, instance: Instance, order_id: UUID, *, tenant_id: int) -> tuple[CodeOrder, SerialCipher, str]:
    """An order that may be printed, its cipher and the brand's scan origin."""
    found = in_full(session, instance, order_id, tenant_id=tenant_id)
    orders.require_issued(found[0])
    return found


def in_full(session: Session, instance: Instance, order_id: UUID, *, tenant_id: int) -> tuple[CodeOrder, SerialCipher, str]:
    """The same of any order, drafts too."""
    found = orders.find(session, order_id, tenant_id=tenant_id)
    cipher = keyring.cipher(session, tenant_id=tenant_id, epoch=found.epoch, kek=instance.settings.kek_bytes)
    return found, cipher, brands.load(session, tenant_id=tenant_id).scan_origin
