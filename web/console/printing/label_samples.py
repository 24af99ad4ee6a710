"""What a label template is shown with before there is anything to print: a product of the brand, and a code that nobody ordered."""

from dataclasses import dataclass
from decimal import Decimal

from codegen import digital_link, marks
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.labels import fitting, library, previews
from codegen.labels.logos import Logo
from codegen.labels.templates import LabelTemplate
from codegen.labels.words import LabelWords
from codegen.orders import CodeOrder
from codegen.symbology import mark_sizes
from codegen.symbology.mark_sizes import MODULE_MM_LEAST, MODULE_MM_RECOMMENDED
from codegen.symbology.mark_specs import MarkSpec
from web.app import db
from web.console import desk, labels
from web.console.codes.orders import product_names
from web.console.printing.label_form import DPI_USUAL
from web.wording import gettext as _

SERIAL = "0816MZTTBH7PFP77PTNS"  # a test vector of the cipher: genuine nowhere
GTIN = Gtin("09521234543213")
LOT = "L20261122"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`gtin` is empty for blank codes, whose address is short."""

    uri: str
    mark: MarkSpec
    words: LabelWords


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFacts:
    """The symbol as the chosen printer draws it into the template's square."""

    modules: int
    module_mm: Decimal
    dots: int
    dpi: int
    too_small: bool
    small: bool


def sample(*, gtin: str = "", dpi: int = DPI_USUAL) -> Sample:
    names = product_names()
    if gtin not in names:
        gtin = next(iter(names), GTIN)
    return Sample(
        uri=digital_link.build(desk.brand().scan_origin, Gtin(gtin), SERIAL, Profile.GS1),
        mark=MarkSpec(dpi=dpi),
        words=LabelWords(
            product=names.get(gtin) or _("Sample product"), gtin=gtin, lot=LOT, kind=str(labels.KINDS[Kind.ITEM_OUTER])
        ),
    )


def label_picture(template: LabelTemplate, shown: Sample, *, logo: Logo | None = None) -> str:
    kept = logo or library.logo_of(db(), template, tenant_id=desk.tenant_id())
    return previews.label_svg(template, uri=shown.uri, mark=shown.mark, texts=shown.words, logo=kept)


def sheet_picture(template: LabelTemplate, shown: Sample, *, logo: Logo | None = None) -> str:
    kept = logo or library.logo_of(db(), template, tenant_id=desk.tenant_id())
    return previews.sheet_svg(template, uris=[shown.uri], mark=shown.mark, texts=shown.words, logo=kept)


def symbol_facts(template: LabelTemplate, shown: Sample) -> SymbolFacts:
    found = mark_sizes.size(shown.mark, uri_length=len(shown.uri))
    module = fitting.module(template.symbol, side=found.modules + 2 * found.quiet_modules, dpi=shown.mark.dpi)
    return SymbolFacts(
        modules=found.modules,
        module_mm=module.mm.quantize(Decimal("0.001")),
        dots=module.dots,
        dpi=shown.mark.dpi,
        too_small=module.mm < MODULE_MM_LEAST,
        small=MODULE_MM_LEAST <= module.mm < MODULE_MM_RECOMMENDED,
    )


def mark_of(order: CodeOrder) -> MarkSpec:
    """How the codes of an order are marked."""
    return marks.of_order(db(), order.id, tenant_id=desk.tenant_id()).spec
