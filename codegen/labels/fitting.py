"""Do the parts of a label template fit? Labels on the page, symbol, texts and logo on the label, nothing over the symbol's quiet zone.

Promises: `check` refuses with the part at fault and its lengths, so that a form can say it beside the field; a template that passed can be
printed with any mark whose modules `module` accepts. Pure.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from codegen.labels.templates import LabelTemplate, Paper, Shape, SymbolPlace, TextField
from codegen.symbols import MM_PER_INCH
from kit.refusals import Invalid

LINE_HEIGHT = Decimal("1.2")  # of the letters' size
MM_PER_POINT = MM_PER_INCH / 72
DOTS_MIN = 2  # a module of one dot is lost where the dot is
_HUNDREDTH = Decimal("0.01")


class LabelLargerThanPage(Invalid):
    code = "label_larger_than_page"
    says = "A label of {width_mm} x {height_mm} mm is larger than the page of {page_width_mm} x {page_height_mm} mm."


class ColumnsDoNotFit(Invalid):
    code = "columns_do_not_fit"
    says = "{columns} columns with margin and gaps are {needed_mm} mm wide, and the page is {page_mm} mm."


class RowsDoNotFit(Invalid):
    code = "rows_do_not_fit"
    says = "{rows} rows with margin and gaps are {needed_mm} mm high, and the page is {page_mm} mm."


class RollOfOne(Invalid):
    code = "roll_of_one"
    says = "A roll has one label on a page that is as large as the label."


class SymbolOutside(Invalid):
    code = "symbol_outside"
    says = "The symbol with its quiet zone does not lie within the label."


class LogoOutside(Invalid):
    code = "logo_outside"
    says = "The logo does not lie within the label."


class LogoOverSymbol(Invalid):
    code = "logo_over_symbol"
    says = "The logo lies over the symbol or its quiet zone."


class TextOutside(Invalid):
    code = "text_outside"
    says = "Text {number} does not lie within the label."


class TextOverSymbol(Invalid):
    code = "text_over_symbol"
    says = "Text {number} lies over the symbol or its quiet zone."


class ModuleTooSmall(Invalid):
    code = "module_too_small"
    says = (
        "A symbol of {modules} modules with its quiet zone in {side_mm} mm leaves {dots} dots for a module at {dpi} dpi; it takes {dots_min}. "
        "Make the symbol larger."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    left: Decimal
    top: Decimal
    right: Decimal
    bottom: Decimal

    REACH: ClassVar[Decimal] = Decimal("0.005")  # lengths have two decimals: less than that is no overlap

    def within(self, template: LabelTemplate) -> bool:
        if self.left < 0 or self.top < 0 or self.right > template.width_mm or self.bottom > template.height_mm:
            return False
        if template.shape is Shape.RECTANGLE:
            return True
        half_width, half_height = template.width_mm / 2, template.height_mm / 2
        return all(
            ((x - half_width) / half_width) ** 2 + ((y - half_height) / half_height) ** 2 <= 1
            for x in (self.left, self.right)
            for y in (self.top, self.bottom)
        )

    def overlaps(self, other: "Box") -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return min(across, down) > self.REACH


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One module as a printer draws it: whole dots. The symbol lies in the middle of its square, `inset_mm` from its edges."""

    dots: int
    mm: Decimal
    inset_mm: Decimal


def check(template: LabelTemplate) -> None:
    _check_page(template)
    symbol = symbol_box(template.symbol)
    if not symbol.within(template):
        raise SymbolOutside
    if template.logo is not None:
        logo = template.logo
        box = Box(left=logo.x_mm, top=logo.y_mm, right=logo.x_mm + logo.width_mm, bottom=logo.y_mm + logo.height_mm)
        if not box.within(template):
            raise LogoOutside
        if box.overlaps(symbol):
            raise LogoOverSymbol
    for number, text in enumerate(template.texts, start=1):
        box = text_box(text)
        if not box.within(template):
            raise TextOutside(number=number)
        if box.overlaps(symbol):
            raise TextOverSymbol(number=number)


def module(place: SymbolPlace, *, side: int, dpi: int) -> Module:
    """`side` counts modules, quiet zone included."""
    dots = int(place.side_mm * dpi / MM_PER_INCH / side)
    if dots < DOTS_MIN:
        raise ModuleTooSmall(modules=side, side_mm=place.side_mm, dots=dots, dpi=dpi, dots_min=DOTS_MIN)
    size = dots * MM_PER_INCH / dpi
    return Module(dots=dots, mm=size, inset_mm=(place.side_mm - side * size) / 2)


def symbol_box(place: SymbolPlace) -> Box:
    return Box(left=place.x_mm, top=place.y_mm, right=place.x_mm + place.side_mm, bottom=place.y_mm + place.side_mm)


def text_box(text: TextField) -> Box:
    height = (text.size_pt * MM_PER_POINT * LINE_HEIGHT * text.lines).quantize(_HUNDREDTH)
    return Box(left=text.x_mm, top=text.y_mm, right=text.x_mm + text.width_mm, bottom=text.y_mm + height)


def _check_page(template: LabelTemplate) -> None:
    page = template.page
    if template.width_mm > page.width_mm or template.height_mm > page.height_mm:
        raise LabelLargerThanPage(
            width_mm=template.width_mm, height_mm=template.height_mm, page_width_mm=page.width_mm, page_height_mm=page.height_mm
        )
    if page.paper is Paper.ROLL and (
        page.labels != 1
        or page.left_mm
        or page.top_mm
        or (page.width_mm, page.height_mm) != (template.width_mm, template.height_mm)
    ):
        raise RollOfOne
    needed = page.left_mm + page.columns * template.width_mm + (page.columns - 1) * page.gap_across_mm
    if needed > page.width_mm:
        raise ColumnsDoNotFit(columns=page.columns, needed_mm=needed, page_mm=page.width_mm)
    needed = page.top_mm + page.rows * template.height_mm + (page.rows - 1) * page.gap_down_mm
    if needed > page.height_mm:
        raise RowsDoNotFit(rows=page.rows, needed_mm=needed, page_mm=page.height_mm)
