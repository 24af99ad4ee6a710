"""The form of a code order: what, how many, how marked, for whom. It may be half filled: the preview reads what is there.

Promises: `request_id` is drawn when the form is shown, so that a form sent twice is one order.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from wtforms import BooleanField, DecimalField, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import Length
from wtforms.widgets import TextInput

from codegen.kinds import Kind, Profile
from codegen.labels import library
from codegen.orders import LOT_LENGTH_MAX
from codegen.print_packages.guarding import recipients
from codegen.proofs import Proofs
from codegen.symbology.mark_sizes import Level, MarkSpec, ReadableLine, Surface, Symbology
from codegen.symbology.mark_specs import Masking
from kit import chance
from web.app import db
from web.console import desk, labels
from web.console.codes.orders import KINDS, product_options
from web.console.forms import DeskForm, count_field, needed, options
from web.console.printing.label_form import DPI
from web.wording import gettext, lazy

BLANK = "blank"
MODULE_MM_USUAL = Decimal("0.5")
_MODULE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")

PROFILES = {
    Profile.GS1: lazy("GS1 Digital Link: names the product too, so that tills and other apps can read it"),
    Profile.SHORT: lazy("Short: a smaller symbol for tiny marks such as bottle caps"),
}
SYMBOLOGIES = {
    Symbology.QR: lazy("QR code, for phones"),
    Symbology.GS1_DATAMATRIX: lazy("GS1 DataMatrix, for scanners of the trade and of hospitals; phones do not open it"),
}
LEVELS = {
    Level.L: lazy("L: smallest, for clean labels"),
    Level.M: lazy("M: usual"),
    Level.Q: lazy("Q: for curved or rough surfaces"),
    Level.H: lazy("H: for marks that get scratched"),
}
MASKS = {
    Masking.ORDER: lazy("One for the order: the fastest to print"),
    Masking.SYMBOL: lazy("The best for each symbol"),
}
LINES = {
    ReadableLine.SERIAL_GROUPS: lazy("The serial, in groups of four"),
    ReadableLine.SERIAL: lazy("The serial"),
    ReadableLine.NONE: lazy("None"),
}
SURFACES = {
    Surface.FLAT: lazy("Flat: label, carton"),
    Surface.CURVED: lazy("Curved: bottle, cap, tube"),
}


class ModuleField(DecimalField):  # type: ignore[misc]
    """Millimetres to the micrometre, with a point or a comma: the dots of a printer are no round numbers."""

    widget = TextInput()

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if not valuelist:
            return
        self.data: Any = None
        typed = valuelist[0].strip().replace(",", ".").replace("，", ".")
        if not _MODULE.fullmatch(typed):
            raise ValueError(gettext("A number such as 0.5, with at most three decimals."))
        self.data = Decimal(typed)


class OrderForm(DeskForm):
    request_id = HiddenField(validators=[needed()])
    gtin = SelectField(lazy("Product"))
    lot = StringField(
        lazy("Lot"),
        [needed(), Length(max=100)],
        description=lazy(
            "The production batch, or for blank labels a name of the roll: up to 20 letters, digits, '.', '_' or '-'."
        ),
        render_kw={"autocomplete": "off", "maxlength": LOT_LENGTH_MAX},
    )
    kind = SelectField(
        lazy("Printed on"),
        choices=options({kind.value: labels.KINDS[kind] for kind in KINDS}),
        description=lazy(
            "An inside code is under a cap or in a pack and seen only after opening; an outside code is seen in the shop."
        ),
    )
    quantity = count_field(
        lazy("How many"),
        description=lazy("From 1 to 1,000,000,000. An order is for one lot; order again at any time."),
    )
    inner = BooleanField(
        lazy("A second code inside each item"),
        description=lazy("Outside to check in the shop, inside to collect points after opening."),
    )
    items_per_case = count_field(lazy("Items a case"), description=lazy("Left empty: no codes for cases."), needs=False)
    cases_per_pallet = count_field(lazy("Cases a pallet"), description=lazy("Left empty: no codes for pallets."), needs=False)
    profile = RadioField(
        lazy("How the address is written"),
        choices=options({one.value: said for one, said in PROFILES.items()}),
        default=Profile.GS1.value,
    )
    symbology = RadioField(
        lazy("Kind of symbol"),
        choices=options({one.value: said for one, said in SYMBOLOGIES.items()}),
        default=Symbology.QR.value,
    )
    level = SelectField(
        lazy("Error correction"), choices=options({one.value: said for one, said in LEVELS.items()}), default=Level.M.value
    )
    module_mm = ModuleField(
        lazy("Size of a module, mm"),
        [needed()],
        default=MODULE_MM_USUAL,
        places=None,
        description=lazy("The side of one small square: 0.4 to 0.5 mm for labels, 0.3 mm for caps at least."),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    dpi = SelectField(lazy("Printer, dots an inch"), choices=options({str(dpi): str(dpi) for dpi in DPI}), default="600")
    mask = SelectField(
        lazy("Mask"), choices=options({one.value: said for one, said in MASKS.items()}), default=Masking.ORDER.value
    )
    text = SelectField(
        lazy("Line for people"),
        choices=options({one.value: said for one, said in LINES.items()}),
        default=ReadableLine.SERIAL_GROUPS.value,
        description=lazy("So that a damaged code can be typed."),
    )
    surface = SelectField(
        lazy("Surface"), choices=options({one.value: said for one, said in SURFACES.items()}), default=Surface.FLAT.value
    )
    label = SelectField(lazy("Label"), description=lazy("To look at; it is chosen with the file for the printer."))
    signed = BooleanField(
        lazy("Public signature"),
        description=lazy("Anybody can check without this service that the brand issued the code. The symbol gets larger."),
    )
    pin = BooleanField(
        lazy("Scratch-off PIN"),
        description=lazy("Six digits under a scratch layer, in a file of their own: only who holds the item can know them."),
    )
    printer = SelectField(lazy("Printer"), description=lazy("Leads to the files for this printer when the order is placed."))
    parts_of = count_field(
        lazy("Split into parts of"), description=lazy("Codes in each file. Left empty: one file."), needs=False
    )
    activate = BooleanField(
        lazy("Activate at once"),
        description=lazy("Otherwise scans say 'not released' until you activate the codes, best when the goods leave the plant."),
    )

    def product(self) -> str | None:
        """The GTIN; None for blank codes."""
        return None if self.gtin.data == BLANK else str(self.gtin.data)

    def printed_on(self) -> Kind:
        """What the form says, or what it begins with where it says nothing that can be ordered."""
        return Kind(self.kind.data) if self.kind.data in {kind.value for kind in KINDS} else Kind.ITEM_OUTER

    def proofs(self) -> Proofs:
        return Proofs(signed=bool(self.signed.data), pin=bool(self.pin.data))

    def mark(self) -> MarkSpec:
        """Raises MarkMalformed, by the part at fault."""
        return MarkSpec(
            symbology=Symbology(self.symbology.data),
            level=Level(self.level.data),
            mask=Masking(self.mask.data),
            module_mm=self.module_mm.data,
            dpi=int(self.dpi.data),
            text=ReadableLine(self.text.data),
        )

    def packed(self) -> dict[str, Any]:
        """What goes into orders.place beside the quantity; other kinds than items are not packed."""
        if self.printed_on() is not Kind.ITEM_OUTER:
            return {}
        return {
            "inner": bool(self.inner.data),
            "items_per_case": self.items_per_case.data,
            "cases_per_pallet": self.cases_per_pallet.data,
        }


def prepared(typed: Mapping[str, str] | None = None, *, gtin: str | None = None) -> OrderForm:
    """The form with what this brand has to offer; `typed` None takes what was posted."""
    form = OrderForm(gtin=gtin) if typed is None else OrderForm(typed)
    form.gtin.choices = [*product_options(), *options({BLANK: lazy("Blank labels, bound to a product later")})]
    names = library.names(db(), tenant_id=desk.tenant_id())
    form.label.choices = options({"": lazy("Only the symbol")} | {name: name for name in names})
    people = [one.name for one in recipients.listing(db(), tenant_id=desk.tenant_id())]
    form.printer.choices = options({"": lazy("Decide later")} | {name: name for name in people})
    form.request_id.data = form.request_id.data or chance.token()
    return form
