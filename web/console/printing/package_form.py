"""The form of a print package: for whom, which rows, what kind of file, how locked; and the packages that it asks for.

Promises: a form sent twice asks for the same packages, whose ids follow from the form's own; what is refused is said beside its field.
"""

from decimal import Decimal
from uuid import UUID, uuid5

from wtforms import BooleanField, HiddenField, SelectField, SubmitField
from wtforms.validators import NumberRange, Optional

from codegen import products
from codegen.labels import library
from codegen.orders import CodeOrder
from codegen.print_packages import kept_templates, package_queue, packages, templates
from codegen.print_packages.file_designs import FileDesign, Format, LabelMm, SheetDesign
from codegen.print_packages.guarding import recipients
from codegen.print_packages.guarding.package_locks import Sealing
from codegen.print_packages.packages import DOWNLOADS_MAX, Package, Printing
from codegen.print_packages.parts import Part, TooManyParts, cut
from codegen.print_packages.templates import Content
from web.app import db, parts
from web.console import desk, labels
from web.console.forms import DeskForm, count_field, needed, options
from web.console.printing.label_form import LengthField
from web.wording import gettext as _
from web.wording import language, lazy

PARTS_MAX = 100  # of one form; the command line takes more
DOWNLOADS_MOST = 20
CANARIES_SHOWN = lazy("Left empty: one in a thousand, at least two.")
ROW_FILES = {
    "csv": lazy("CSV: address, serial, GTIN, lot, kind"),
    "tsv": lazy("TSV: the same with tabs"),
    "txt": lazy("TXT: one address on each line"),
    "gb18030": lazy("CSV for older Chinese presses (GB18030)"),
    "unicode": lazy("TXT in UTF-16 with tabs, for label software"),
}
FORMATS = {
    Format.PDF.value: lazy("PDF: sheets of finished labels"),
    **{name: said for name, said in ROW_FILES.items()},  # noqa: C416 - the order matters
    Format.PARQUET.value: lazy("Parquet: columns for data systems"),
    Format.PNG_ZIP.value: lazy("ZIP of PNG pictures, one a code"),
    Format.SVG_ZIP.value: lazy("ZIP of SVG pictures, one a code"),
    Format.ZPL.value: lazy("ZPL: for thermal printers"),
}
PINS = "pins"
_OWN = "own:"  # before the names of templates that the brand keeps
_PINS_SAID = lazy("PINs: serial and scratch-off PIN, for another printer than the codes")
FORM_FIELDS = {
    "recipient_unknown": "recipient",
    "recipient_without_lock": "sealed",
    "part_given": "first",
    "part_mixed": "last",
    "part_too_large": "parts_of",
    "sheets_too_many": "parts_of",
    "too_many_parts": "parts_of",
    "rows_out_of_order": "last",
    "canaries_out_of_limits": "canaries",
    "canaries_show": "canaries",
    "text_too_long": "label",
    "letter_missing": "label",
    "module_too_small": "label",
    "label_template_unknown": "label",
    "design_malformed": "format",
}


class PackageForm(DeskForm):
    request_id = HiddenField(validators=[needed()])
    recipient = SelectField(
        lazy("For whom"), description=lazy("A code that turns up too early, or never should, will name them.")
    )
    first = count_field(lazy("From row"))
    last = count_field(lazy("To row"))
    parts_of = count_field(
        lazy("Split into parts of"), description=lazy("Codes in each file. Left empty: one file."), needs=False
    )
    format = SelectField(lazy("Kind of file"))
    label = SelectField(lazy("Label template"), validate_choice=False)
    zpl_width_mm = LengthField(
        lazy("Label width, mm"), [Optional()], places=None, default=Decimal(40), render_kw={"inputmode": "decimal"}
    )
    zpl_height_mm = LengthField(
        lazy("Label height, mm"), [Optional()], places=None, default=Decimal(30), render_kw={"inputmode": "decimal"}
    )
    canaries = count_field(lazy("Canaries"), description=CANARIES_SHOWN, needs=False)
    sealed = BooleanField(lazy("Lock the file with their passphrase or key"), default=True)
    reprint = BooleanField(
        lazy("Reprint"), description=lazy("Rows that were given before are given once more: both who had them will be named.")
    )
    downloads_max = count_field(lazy("Downloads at most"))
    submit = SubmitField(lazy("Make the package"))


def prepared(order: CodeOrder) -> PackageForm:
    """The form with what it offers for this order."""
    form = PackageForm(data={"first": 1, "last": order.items, "downloads_max": DOWNLOADS_MAX})
    form.recipient.choices = options({one.name: one.name for one in recipients.listing(db(), tenant_id=desk.tenant_id())})
    kept = kept_templates.listing(db(), tenant_id=desk.tenant_id())
    offered: dict[str, object] = {**FORMATS, **{f"{_OWN}{one.template.name}": one.template.name for one in kept}}
    if order.proofs.pin:
        offered[PINS] = _PINS_SAID
    form.format.choices = options(offered)
    form.label.choices = options({name: name for name in library.names(db(), tenant_id=desk.tenant_id())})
    form.downloads_max.validators = [*form.downloads_max.validators, NumberRange(min=1, max=DOWNLOADS_MOST)]
    if not form.request_id.data:
        form.request_id.data = str(desk.new_id())
    return form


def ask(form: PackageForm, order: CodeOrder) -> list[Package]:
    """Gives the rows away, and tells a worker to write the files."""
    request = UUID(form.request_id.data)
    asked = []
    for number, part in enumerate(_parts(form, order), start=1):
        package = packages.request(
            db(),
            tenant_id=desk.tenant_id(),
            package_id=uuid5(request, str(number)),
            order_id=order.id,
            recipient=part.recipient,
            first=part.first,
            last=part.last,
            content=Content.PINS if form.format.data == PINS else Content.CODES,
            design=_design(form, order, row=part.first),
            canary_count=form.canaries.data,
            sealing=Sealing.SEALED if form.sealed.data else Sealing.OPEN,
            printing=Printing.REPRINT if form.reprint.data else Printing.FIRST,
            downloads_max=form.downloads_max.data,
            kek=parts().settings.kek_bytes,
            now=desk.now(),
            actor=desk.actor(),
        )
        package_queue.put(db(), package.id, tenant_id=desk.tenant_id(), now=desk.now())
        asked.append(package)
    return asked


def product_called(order: CodeOrder) -> str:
    """The product's name for the label: in the language of whoever asks, where there is one."""
    if not order.gtin:
        return ""
    product = products.find(db(), tenant_id=desk.tenant_id(), gtin=order.gtin)
    return (product.name_zh if language() == "zh" else "") or product.name


def _design(form: PackageForm, order: CodeOrder, *, row: int) -> FileDesign:
    """`row` is the first one of the part, and says what its labels are for."""
    chosen = form.format.data
    if chosen == PINS:
        return FileDesign(template=templates.PINS)
    if chosen in ROW_FILES:
        return FileDesign(template=templates.built_in(chosen))
    if chosen.startswith(_OWN):
        kept = kept_templates.find(db(), tenant_id=desk.tenant_id(), name=chosen.removeprefix(_OWN))
        return FileDesign(template=kept)
    if chosen == Format.ZPL:
        size = (form.zpl_width_mm.data, form.zpl_height_mm.data)
        return FileDesign(format=Format.ZPL, label=None if None in size else LabelMm(width=size[0], height=size[1]))
    if chosen == Format.PDF:
        template = library.find(db(), tenant_id=desk.tenant_id(), name=form.label.data or "")
        kind = order.kind_of(order.first_counter + row - 1)
        sheet = SheetDesign(template=template, product=product_called(order), kind=str(labels.KINDS[kind]))
        return FileDesign(format=Format.PDF, sheet=sheet)
    return FileDesign(format=Format(chosen))


def _parts(form: PackageForm, order: CodeOrder) -> list[Part]:
    found = cut(
        order,
        recipients=[form.recipient.data],
        first=form.first.data,
        last=form.last.data,
        codes_max=form.parts_of.data or None,
    )
    if len(found) > PARTS_MAX:
        raise TooManyParts(parts=len(found), parts_max=PARTS_MAX)
    return found


def format_name(package: Package) -> str:
    if package.content is Content.PINS:
        return _("PINs")
    if package.format is Format.ROWS:
        return package.file_name.removesuffix(".sealed").rpartition(".")[2].upper()
    return {
        Format.PARQUET: "Parquet",
        Format.PNG_ZIP: "PNG, ZIP",
        Format.SVG_ZIP: "SVG, ZIP",
        Format.ZPL: "ZPL",
        Format.PDF: "PDF",
    }[package.format]
