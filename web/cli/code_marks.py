"""`onemark codes mark` and `codes render`: how the codes of an order are marked, and what one of them looks like."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from codegen import marking, marks
from codegen.lifecycle import ranges
from codegen.print_packages.formats import picture_zips
from codegen.print_packages.formats.picture_zips import Picture
from kit.refusals import Invalid
from web.cli.codes import group, in_full, printable
from web.cli.mark_options import given_mark, mark_options, size_facts, size_sentence
from web.cli.root import ACTOR, answer, brand_option, json_option, onemark


class FormatUnknown(Invalid):
    code = "format_unknown"
    says = "{file} should end in .svg or .png."


@group.command("mark")
@click.argument("order_id", type=click.UUID)
@mark_options
@brand_option
@json_option
def mark(order_id: UUID, tenant: str | None, *, as_json: bool, **given: Any) -> None:
    """Say how an order is marked and how large that is; with options, change it. Nothing of it may be packaged yet."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            order, cipher, origin = in_full(session, instance, order_id, tenant_id=tenant_id)
            spec = marks.of_order(session, order_id, tenant_id=tenant_id).spec
            wanted = given_mark(given, usual=spec)
            if wanted is not None:
                spec = marks.change(
                    session, wanted, tenant_id=tenant_id, order_id=order_id, now=instance.clock.now(), actor=ACTOR
                ).spec
            size = marking.press_of(order, cipher, origin=origin, spec=spec, mask=None).size
    said = ", ".join(f"{name} {value}" for name, value in spec.as_plain().items() if value is not None)
    answer({**spec.as_plain(), "size": size_facts(size)}, as_json=as_json, sentence=f"{said}\n{size_sentence(size)}")


@group.command("render")
@click.argument("order_id", type=click.UUID)
@click.option("--row", type=int, default=1, show_default=True, help="Row of the order, counted from 1.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A file ending in .svg or .png.")
@brand_option
@json_option
def render(order_id: UUID, row: int, out: Path, tenant: str | None, *, as_json: bool) -> None:
    """Draw the symbol of one row, as the order is marked."""
    kinds = {f".{picture.value}": picture for picture in Picture}
    if out.suffix.lower() not in kinds:
        raise FormatUnknown(file=out)
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            order, cipher, origin = printable(session, instance, order_id, tenant_id=tenant_id)
            ranges.checked_rows(first=row, last=row, quantity=order.quantity)
            decided = marking.decided(
                session, order, cipher, tenant_id=tenant_id, origin=origin, now=instance.clock.now(), actor=ACTOR
            )
    press = marking.press_of(order, cipher, origin=origin, spec=decided.spec, mask=decided.mask)
    listed = marking.listed(order, cipher, origin=origin, first=row, count=1)
    (drawn,) = picture_zips.drawn(listed, press=press, picture=kinds[out.suffix.lower()])
    out.write_bytes(drawn)
    (url,) = listed.uris()
    answer(
        {"url": url, "file": out, "size": size_facts(press.size)},
        as_json=as_json,
        sentence=f"{url}\n{size_sentence(press.size)}\n{out}",
    )
