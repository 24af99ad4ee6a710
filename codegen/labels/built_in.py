"""Label templates to begin with: a sheet for any office printer, a roll for thermal printers, a bottle cap, a case label.

Promises: each fits (a test asks), and is a good start for a copy of one's own. Pure.
"""

from collections.abc import Mapping
from decimal import Decimal

from codegen.labels.templates import Align, LabelTemplate, Page, Paper, Shape, Source, SymbolPlace, TextField
from kit.refusals import NotFound


class LabelTemplateUnknown(NotFound):
    code = "label_template_unknown"
    says = "There is no label template {name!r}."


def _d(value: str) -> Decimal:
    return Decimal(value)


def _text(
    source: Source, place: str, size_pt: str, *, align: Align = Align.LEFT, bold: bool = False, lines: int = 1, words: str = ""
) -> TextField:
    """`place` is x, y and width."""
    x, y, width = map(Decimal, place.split())
    return TextField(
        source=source, x_mm=x, y_mm=y, width_mm=width, size_pt=Decimal(size_pt), align=align, bold=bold, lines=lines, words=words
    )


_A4 = LabelTemplate(
    name="a4-3x8",
    page=Page(
        width_mm=_d("210"), height_mm=_d("297"), left_mm=_d("7"), top_mm=_d("12.5"), columns=3, rows=8,
        gap_across_mm=_d("2"), gap_down_mm=_d("0"),
    ),
    width_mm=_d("64"), height_mm=_d("34"),
    symbol=SymbolPlace(x_mm=_d("2"), y_mm=_d("4"), side_mm=_d("26")),
    texts=(
        _text(Source.PRODUCT, "29.5 4 32.5", "9", bold=True, lines=2),
        _text(Source.GTIN, "29.5 13 32.5", "6.5", words="GTIN "),
        _text(Source.LOT, "29.5 16.5 32.5", "6.5", words="LOT "),
        _text(Source.SERIAL_GROUPS, "29.5 25 32.5", "6"),
    ),
    cutting_marks=True,
)  # fmt: skip
_ROLL = LabelTemplate(
    name="roll-40x30",
    page=Page(paper=Paper.ROLL, width_mm=_d("40"), height_mm=_d("30")),
    width_mm=_d("40"), height_mm=_d("30"),
    symbol=SymbolPlace(x_mm=_d("1.5"), y_mm=_d("1"), side_mm=_d("22")),
    texts=(
        _text(Source.PRODUCT, "24 2.5 14.5", "7", bold=True, lines=3),
        _text(Source.LOT, "24 13 14.5", "5.5"),
        _text(Source.GTIN, "24 16 14.5", "5.5"),
        _text(Source.SERIAL_GROUPS, "1.5 24.5 37", "7", align=Align.CENTRE),
    ),
)  # fmt: skip
_CAP = LabelTemplate(
    name="cap-15",
    page=Page(
        width_mm=_d("320"), height_mm=_d("450"), left_mm=_d("10"), top_mm=_d("10"), columns=18, rows=25,
        gap_across_mm=_d("1.5"), gap_down_mm=_d("1.5"),
    ),
    width_mm=_d("15"), height_mm=_d("15"),
    symbol=SymbolPlace(x_mm=_d("2.3"), y_mm=_d("2.3"), side_mm=_d("10.4")),
    shape=Shape.ROUND,
    border=True,
)  # fmt: skip
_CASE = LabelTemplate(
    name="case-100x100",
    page=Page(paper=Paper.ROLL, width_mm=_d("100"), height_mm=_d("100")),
    width_mm=_d("100"), height_mm=_d("100"),
    symbol=SymbolPlace(x_mm=_d("20"), y_mm=_d("26"), side_mm=_d("60")),
    texts=(
        _text(Source.PRODUCT, "5 4 90", "18", align=Align.CENTRE, bold=True),
        _text(Source.LOT, "5 15 44", "12", words="LOT "),
        _text(Source.GTIN, "51 15 44", "12", align=Align.RIGHT, words="GTIN "),
        _text(Source.SERIAL_GROUPS, "5 89 90", "16", align=Align.CENTRE),
    ),
    border=True,
)  # fmt: skip

BUILT_IN: Mapping[str, LabelTemplate] = {one.name: one for one in (_A4, _ROLL, _CAP, _CASE)}


def built_in(name: str) -> LabelTemplate:
    found = BUILT_IN.get(name)
    if found is None:
        raise LabelTemplateUnknown(name=name)
    return found
