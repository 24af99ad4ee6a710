"""What a half-filled order would make: its codes in numbers, its symbol at print scale, on the label, and what speaks against it.

Promises: the symbol is drawn by the press that will print it; the serial in it is one that nobody ordered. A half-filled form is no fault:
what is missing is said, and the rest is shown.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from codegen import packaging, symbols
from codegen.addresses import SIGNATURE_KEY, SIGNATURE_LENGTH, Addresses
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.labels import library, previews
from codegen.labels.words import LabelWords
from codegen.orders import QUANTITY_MAX
from codegen.packaging import Packaging
from codegen.symbology import mark_sizes, symbol_files
from codegen.symbology.mark_presses import MarkPress
from codegen.symbology.mark_sizes import MarkSize, MarkSpec, ReadableLine, Surface, WarningCode
from kit.refusals import Refusal
from web import wording
from web.app import db
from web.console import desk, labels
from web.console.codes.order_form import BLANK, OrderForm
from web.console.codes.orders import product_names
from web.console.printing.label_samples import SERIAL
from web.wording import gettext as _
from web.wording import lazy

BYTES_PER_MB = 1_000_000
_NO_GTIN = Gtin("")
WARNINGS = {
    WarningCode.MODULE_BELOW_DOT: lazy(
        "The module of %(found)s mm is smaller than a dot of the printer, %(wanted)s mm: it is printed larger."
    ),
    WarningCode.FEW_DOTS: lazy(
        "Only %(found)s dots for a module: a dot that runs makes it unreadable. Take %(wanted)s at least, or a finer printer."
    ),
    WarningCode.MODULE_SNAPPED: lazy(
        "The printer makes it %(found)s mm instead of %(wanted)s mm: a module is a whole number of dots."
    ),
    WarningCode.MODULE_TINY: lazy("A module of %(found)s mm is too small: phones fail below %(wanted)s mm."),
    WarningCode.MODULE_SMALL: lazy("A module of %(found)s mm is small: old phones and hand scanners want %(wanted)s mm."),
    WarningCode.QUIET_ZONE_SHORT: lazy("The white edge of %(found)s modules is too narrow; the standard asks for %(wanted)s."),
    WarningCode.LEVEL_LOW: lazy("Error correction %(found)s is low for this surface and size. Take %(wanted)s."),
    WarningCode.SYMBOL_DENSE: lazy("%(found)s modules a side: phones must come close. Up to %(wanted)s is comfortable."),
    WarningCode.LARGER_THAN_LABEL: lazy("The symbol of %(found)s mm does not fit the label's %(wanted)s mm."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """`rows` are (kind, codes); `problem` says what does not divide."""

    rows: tuple[tuple[Kind, int], ...]
    codes: int
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`svg` addresses are data URIs; `real` has its size in millimetres, `large` fits its place."""

    uri: str
    readable: str
    size: MarkSize
    real: str
    large: str
    label: str
    warnings: tuple[str, ...]


def preview(form: OrderForm) -> dict[str, object]:
    """What the template console/order_preview.html shows. `form` was validated, and may have faults."""
    names = product_names()
    known = form.gtin.data in names or form.gtin.data == BLANK
    amounts = _amounts(form)
    found: dict[str, object] = {
        "form": form,
        "product": names.get(str(form.gtin.data), ""),
        "blank": form.gtin.data == BLANK,
        "amounts": amounts,
        "picture": None,
        "problem": "",
        "file_mb": None,
    }
    if not known:
        return found
    try:
        picture = _picture(form, names)
    except (Refusal, ValueError, TypeError) as fault:
        return found | {"problem": wording.explained(fault) if isinstance(fault, Refusal) else _("The mark is not complete yet.")}
    line_bytes = len(f"{picture.uri},{SERIAL},{form.gtin.data},{form.lot.data},{form.kind.data},,\n")
    return found | {"picture": picture, "file_mb": (amounts.codes if amounts else 0) * line_bytes / BYTES_PER_MB}


def _amounts(form: OrderForm) -> Amounts | None:
    quantity = form.quantity.data
    if quantity is None or not 1 <= quantity <= QUANTITY_MAX:
        return None
    packed = form.packed()
    if not any(packed.values()):
        return Amounts(rows=((form.printed_on(), quantity),), codes=quantity)
    try:
        made = packaging.checked(Packaging(items=quantity, **packed))
    except Refusal as refused:
        return Amounts(rows=((Kind.ITEM_OUTER, quantity),), codes=quantity, problem=wording.explained(refused))
    return Amounts(rows=tuple((block.kind, block.count) for block in made.blocks), codes=made.codes)


def _picture(form: OrderForm, names: Mapping[str, str]) -> Picture:
    spec = form.mark()
    gtin = _NO_GTIN if form.gtin.data == BLANK else Gtin(str(form.gtin.data))
    signed = bool(form.signed.data)
    addresses = Addresses.of(
        origin=desk.brand().scan_origin, gtin=gtin, profile=Profile(form.profile.data), signer=bytes if signed else None
    )
    template = library.find(db(), tenant_id=desk.tenant_id(), name=form.label.data) if form.label.data else None
    press = MarkPress(spec, addresses=addresses, gtin=gtin)
    size = mark_sizes.size(
        spec,
        uri_length=addresses.plain_length,
        signature_length=addresses.signature_length,
        label_mm=None if template is None else (template.width_mm, template.height_mm),
        surface=Surface(form.surface.data),
    )
    signature = "A" * SIGNATURE_LENGTH if signed else ""
    rows = press.draw(np.array([(SERIAL + signature).encode()]))
    plain = addresses.head + SERIAL
    label = ""
    if template is not None:
        words = LabelWords(
            product=names.get(gtin, "") or _("Blank codes"),
            gtin=gtin,
            lot=form.lot.data.strip() or "LOT",
            kind=str(labels.KINDS[form.printed_on()]),
        )
        logo = library.logo_of(db(), template, tenant_id=desk.tenant_id())
        uri = f"{plain}{SIGNATURE_KEY}{signature}" if signed else plain
        label = _address(previews.label_svg(template, uri=uri, mark=spec, texts=words, logo=logo))
    return Picture(
        uri=plain,
        readable=_readable(spec),
        size=size,
        real=_address(next(symbol_files.svgs(rows, side=press.side, module_mm=size.module_mm))),
        large=_address(next(symbol_files.svgs(rows, side=press.side))),
        label=label,
        warnings=tuple(
            str(WARNINGS[one.code]) % {"found": one.found, "wanted": one.wanted} for one in size.warnings if one.code in WARNINGS
        ),
    )


def _readable(spec: MarkSpec) -> str:
    if spec.text is ReadableLine.NONE:
        return ""
    return symbols.readable_serial(SERIAL) if spec.text is ReadableLine.SERIAL_GROUPS else SERIAL


def _address(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")
