"""`onemark labels`: label templates; and `onemark codes labels`: sheets of labels for the brand's own printer."""

import json
from pathlib import Path
from uuid import UUID

import click

from codegen import brands, digital_link, orders
from codegen.gtin import Gtin
from codegen.kinds import Profile
from codegen.labels import library, order_sheets, previews
from codegen.labels.templates import LabelTemplate
from codegen.labels.words import LabelWords
from codegen.symbology.mark_specs import MarkSpec
from kit import ids
from web.cli.codes import group as codes_group
from web.cli.given_files import FileThere, json_of, write_new
from web.cli.root import answer, brand_option, cli, json_option, onemark, progress

ACTOR = "command line"
SAMPLE_SERIAL = "0816MZTTBH7PFP77PTNS"  # a test vector of the cipher: genuine nowhere
SAMPLE_GTIN = Gtin("09521234543213")
SAMPLE_LOT = "L1"

existing = click.Path(exists=True, dir_okay=False, path_type=Path)
new_file = click.Path(dir_okay=False, path_type=Path)


@cli.group("labels")
def group() -> None:
    """Label templates: what stands where on a label and a sheet."""


@group.command("list")
@brand_option
@json_option
def list_templates(tenant: str | None, *, as_json: bool) -> None:
    """List the templates, the brand's own first."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            names = library.names(session, tenant_id=tenant_id)
            found = [library.find(session, tenant_id=tenant_id, name=name) for name in names]
    answer(
        {"templates": [one.as_plain() for one in found]},
        as_json=as_json,
        sentence="\n".join(
            f"{one.name:30}  {one.width_mm} x {one.height_mm} mm, {one.page.labels} on a page of {one.page.width_mm} x {one.page.height_mm}"
            for one in found
        ),
    )


@group.command("show")
@click.argument("name")
@brand_option
def show(name: str, tenant: str | None) -> None:
    """Print a template as JSON, to be changed and added under another name."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = library.find(session, tenant_id=tenant_id, name=name)
    click.echo(json.dumps(found.as_plain(), ensure_ascii=False, indent=1))


@group.command("add")
@click.argument("file", type=existing)
@brand_option
@json_option
def add(file: Path, tenant: str | None, *, as_json: bool) -> None:
    """Add a template from a JSON file such as `labels show` prints."""
    template = LabelTemplate.from_plain(json_of(file))
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        now = instance.clock.now()
        with instance.transaction(tenant_id) as session:
            kept = library.add(session, template, tenant_id=tenant_id, template_id=ids.uuid7(now), now=now, actor=ACTOR)
    answer({"name": template.name, "id": kept.id}, as_json=as_json, sentence=f"Label template {template.name} is there.")


@group.command("preview")
@click.argument("name")
@click.option("--out", required=True, type=new_file, help="An SVG file in the size of print.")
@click.option("--product", default="高山乌龙茶 Alpine Oolong", show_default=True, help="What the label calls the product.")
@click.option("--sheet", is_flag=True, help="A whole sheet instead of one label.")
@click.option("--dpi", type=int, default=MarkSpec().dpi, show_default=True)
@brand_option
@json_option
def preview(name: str, out: Path, product: str, dpi: int, tenant: str | None, *, sheet: bool, as_json: bool) -> None:
    """Draw a label with a code that nobody ordered."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            template = library.find(session, tenant_id=tenant_id, name=name)
            logo = library.logo_of(session, template, tenant_id=tenant_id)
            origin = brands.load(session, tenant_id=tenant_id).scan_origin
    uri = digital_link.build(origin, SAMPLE_GTIN, SAMPLE_SERIAL, Profile.GS1)
    words = LabelWords(product=product, gtin=SAMPLE_GTIN, lot=SAMPLE_LOT)
    if sheet:
        svg = previews.sheet_svg(template, uris=[uri], mark=MarkSpec(dpi=dpi), texts=words, logo=logo)
    else:
        svg = previews.label_svg(template, uri=uri, mark=MarkSpec(dpi=dpi), texts=words, logo=logo)
    out.write_text(svg, encoding="utf-8")
    answer({"file": out}, as_json=as_json, sentence=str(out))


@codes_group.command("labels")
@click.argument("order_id", type=click.UUID)
@click.option("--template", required=True, help="A label template: onemark labels list.")
@click.option("--out", required=True, type=new_file)
@click.option("--first", type=int, default=1, help="First row of the order, counted from 1.")
@click.option("--last", type=int, default=None, help="Last row; default: the last of the first row's kind.")
@brand_option
@json_option
def print_labels(
    order_id: UUID, template: str, out: Path, first: int, last: int | None, tenant: str | None, *, as_json: bool
) -> None:
    """Write sheets of labels as PDF for your own printer. For somebody else's make a package: it says who had which codes."""
    if out.exists():
        raise FileThere(file=out)
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            sheets = order_sheets.of_order(
                session,
                orders.find(session, order_id, tenant_id=tenant_id),
                tenant_id=tenant_id,
                template=template,
                first=first,
                last=last,
                kek=instance.settings.kek_bytes,
                now=instance.clock.now(),
                actor=ACTOR,
            )
        with progress("Labels", sheets.rows) as advance:
            write_new(out, order_sheets.pieces(sheets, progress=advance))
    answer(
        {"order_id": order_id, "labels": sheets.rows, "pages": sheets.pages, "file": out},
        as_json=as_json,
        sentence=f"{sheets.rows:,} labels on {sheets.pages:,} pages in {out}",
    )
