"""`onemark packages make`: which rows go to whom, as what kind of file."""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import click
from sqlalchemy.orm import Session

from codegen import orders, products
from codegen.labels import library
from codegen.orders import CodeOrder
from codegen.print_packages import kept_templates, packages, parts, templates
from codegen.print_packages.file_designs import FileDesign, Format, LabelMm, SheetDesign
from codegen.print_packages.guarding.package_locks import Sealing
from codegen.print_packages.packages import Printing
from codegen.print_packages.templates import Content, Template
from kit import chance
from kit.refusals import Invalid
from web.cli.given_files import json_of
from web.cli.packages import ACTOR, group, made, say
from web.cli.root import brand_option, json_option, onemark

DEFAULT_SHEET = "a4-3x8"
_REQUESTS = UUID("6f6e656d-6172-4b70-8b67-000000000001")
_ROWS = re.compile(r"([0-9]{1,10})\.\.([0-9]{1,10})")


class RowsUnreadable(Invalid):
    code = "rows_unreadable"
    says = "Rows are written like 1..5000, not {rows!r}."


class LabelUnreadable(Invalid):
    code = "label_unreadable"
    says = "The size of a label is written like 40x30, in millimetres, not {label!r}."


@group.command("make")
@click.argument("order_id", type=click.UUID)
@click.option(
    "--recipient",
    "recipients",
    required=True,
    multiple=True,
    help="Given several times, the recipients take turns with the parts.",
)
@click.option(
    "--rows", help="Rows of the order, as in 1..5000; default: all. Items, cases and pallets become parts of their own."
)
@click.option("--parts-of", type=click.IntRange(min=1), help="Split the rows into parts of so many codes.")
@click.option("--format", "kind", type=click.Choice([one.value for one in Format]), default=Format.ROWS.value, show_default=True)
@click.option("--template", "template_name", help="Columns of rows and Parquet: built in, saved, or a JSON file; default: csv.")
@click.option("--label-mm", metavar="WxH", help="Size of the labels of ZPL; default: as large as the mark.")
@click.option("--label-template", metavar="NAME", help="What stands on the sheets of a PDF: onemark labels list.")
@click.option("--pins", "of_pins", is_flag=True, help="A package of PINs instead of codes.")
@click.option("--encrypt", is_flag=True, help="Seal the file with the recipient's passphrase or key.")
@click.option("--canaries", "canary_count", type=int, help="Rows that nobody prints; default: one in a thousand, at least two.")
@click.option("--reprint", is_flag=True, help="Give rows that were given before once more.")
@click.option("--downloads", "downloads_max", type=click.IntRange(min=1), default=packages.DOWNLOADS_MAX, show_default=True)
@click.option("--request-id", help="Your id of this request: sent again with the same data it goes on with the same packages.")
@brand_option
@json_option
def make(
    order_id: UUID,
    recipients: Sequence[str],
    rows: str | None,
    parts_of: int | None,
    kind: str,
    template_name: str | None,
    label_mm: str | None,
    label_template: str | None,
    request_id: str | None,
    tenant: str | None,
    *,
    of_pins: bool,
    encrypt: bool,
    reprint: bool,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Give rows of an order to recipients, and write their files. Told to stop in the middle, it is gone on with: packages resume."""
    first, last = _rows(rows)
    request = request_id or chance.token()
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            order = orders.find(session, order_id, tenant_id=tenant_id)
            design = FileDesign(
                format=Format(kind),
                template=_template(session, template_name or ("pins" if of_pins else "csv"), tenant_id=tenant_id),
                label=_label(label_mm),
                sheet=_sheet(session, order, label_template or DEFAULT_SHEET, tenant_id=tenant_id)
                if kind == Format.PDF
                else None,
            )
            asked = [
                packages.request(
                    session,
                    tenant_id=tenant_id,
                    package_id=uuid5(_REQUESTS, f"{tenant_id} {request} {number}"),
                    order_id=order_id,
                    recipient=part.recipient,
                    first=part.first,
                    last=part.last,
                    content=Content.PINS if of_pins else Content.CODES,
                    design=design,
                    sealing=Sealing.SEALED if encrypt else Sealing.OPEN,
                    printing=Printing.REPRINT if reprint else Printing.FIRST,
                    kek=instance.settings.kek_bytes,
                    now=instance.clock.now(),
                    actor=ACTOR,
                    **wanted,
                )
                for number, part in enumerate(
                    parts.cut(order, recipients=recipients, first=first, last=last, codes_max=parts_of), start=1
                )
            ]
        found = [made(instance, tenant_id, one) for one in asked]
    say(found, as_json=as_json)


def _rows(rows: str | None) -> tuple[int, int | None]:
    if rows is None:
        return 1, None
    read = _ROWS.fullmatch(rows)
    if read is None:
        raise RowsUnreadable(rows=rows)
    return int(read[1]), int(read[2])


def _template(session: Session, name: str, *, tenant_id: int) -> Template:
    if name.endswith(".json"):
        return Template.from_plain(json_of(Path(name)))
    return templates.BUILT_IN.get(name) or kept_templates.find(session, tenant_id=tenant_id, name=name)


def _label(size: str | None) -> LabelMm | None:
    if size is None:
        return None
    width, _, height = size.lower().partition("x")
    try:
        return LabelMm(width=Decimal(width), height=Decimal(height))
    except InvalidOperation as error:
        raise LabelUnreadable(label=size) from error


def _sheet(session: Session, order: CodeOrder, name: str, *, tenant_id: int) -> SheetDesign:
    product = products.find(session, tenant_id=tenant_id, gtin=order.gtin) if order.gtin else None
    called = "" if product is None else product.name_zh or product.name
    return SheetDesign(template=library.find(session, tenant_id=tenant_id, name=name), product=called, kind=order.kind.value)
