"""What does not fit is refused by the part at fault; what was written down is what is read."""

from decimal import Decimal
from typing import Any

import pytest

from codegen.labels import fitting, typesetting
from codegen.labels.built_in import BUILT_IN
from codegen.labels.fitting import (
    ColumnsDoNotFit,
    LabelLargerThanPage,
    LogoOutside,
    LogoOverSymbol,
    ModuleTooSmall,
    RollOfOne,
    RowsDoNotFit,
    SymbolOutside,
    TextOutside,
    TextOverSymbol,
)
from codegen.labels.templates import LabelMalformed, LabelTemplate
from codegen.labels.typesetting import TextTooLong
from kit.refusals import Refusal
from tests.codegen.labels.samples import A4, CAP, ROLL, WORDS, changed

LOGO = {"logo": "a" * 64, "x_mm": "30", "y_mm": "20", "width_mm": "5", "height_mm": "5"}


@pytest.mark.parametrize("template", BUILT_IN.values(), ids=BUILT_IN)
def test_every_built_in_template_fits_and_survives_being_written_down(template: LabelTemplate) -> None:
    fitting.check(template)
    assert LabelTemplate.from_plain(template.as_plain()) == template
    assert fitting.module(template.symbol, side=37, dpi=600).mm > Decimal("0.25")


@pytest.mark.parametrize(
    ("template", "parts", "refusal", "data"),
    [
        (A4, {"page": {"width_mm": "60"}}, LabelLargerThanPage, {"page_width_mm": Decimal(60)}),
        (A4, {"page": {"columns": 4}}, ColumnsDoNotFit, {"columns": 4, "needed_mm": Decimal(269)}),
        (A4, {"page": {"rows": 9}}, RowsDoNotFit, {"rows": 9, "needed_mm": Decimal("318.5")}),
        (ROLL, {"page": {"width_mm": "50"}}, RollOfOne, {}),
        (A4, {"symbol": {"y_mm": "9"}}, SymbolOutside, {}),
        (CAP, {"symbol": {"x_mm": "3"}}, SymbolOutside, {}),
        (A4, {"texts": [{}, {"x_mm": "32"}]}, TextOutside, {"number": 2}),
        (A4, {"texts": [{}, {}, {"x_mm": "27"}]}, TextOverSymbol, {"number": 3}),
        (A4, {"logo": {**LOGO, "y_mm": "30"}}, LogoOutside, {}),
        (A4, {"logo": {**LOGO, "x_mm": "27.9"}}, LogoOverSymbol, {}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_what_does_not_fit_is_refused_by_name(
    template: LabelTemplate, parts: dict[str, Any], refusal: type[Refusal], data: dict[str, Any]
) -> None:
    with pytest.raises(refusal) as refused:
        fitting.check(changed(template, **parts))
    assert {name: refused.value.data[name] for name in data} == data


@pytest.mark.parametrize(
    ("parts", "part"),
    [
        ({"name": " "}, "name"),
        ({"width_mm": "NaN"}, "width_mm of template"),
        ({"width_mm": "12.345"}, "width_mm of template"),
        ({"page": {"columns": 0}}, "columns"),
        ({"page": {"columns": True}}, "columns of page"),
        ({"page": {"paper": "stone"}}, "paper of page"),
        ({"page": {"colour": "red"}}, "colour of page"),
        ({"symbol": {"side_mm": "0"}}, "symbol size"),
        ({"texts": [{"source": "secret"}]}, "source of text 1"),
        ({"texts": [{"source": "fixed", "words": " "}]}, "text 1"),
        ({"texts": [{}, {}, {}, {"lines": 2}]}, "lines of text 4"),
        ({"texts": [{"words": "a\nb"}]}, "text 1"),
        ({"logo": {**LOGO, "logo": "../../etc"}}, "logo"),
    ],
)
def test_nonsense_is_refused_with_the_setting_at_fault(parts: dict[str, Any], part: str) -> None:
    with pytest.raises(LabelMalformed) as refused:
        changed(A4, **parts)
    assert refused.value.data["part"] == part


def test_a_module_is_whole_dots_and_lies_in_the_middle_of_its_square() -> None:
    found = fitting.module(A4.symbol, side=41, dpi=300)
    assert found.dots == 7
    assert found.mm * 41 + 2 * found.inset_mm == A4.symbol.side_mm


def test_a_module_of_one_dot_is_refused() -> None:
    with pytest.raises(ModuleTooSmall) as refused:
        fitting.module(CAP.symbol, side=61, dpi=203)
    assert (refused.value.data["dots"], refused.value.data["dpi"]) == (1, 203)


def test_a_long_text_is_set_smaller_then_broken_then_refused() -> None:
    one_line = changed(A4, texts=[{"lines": 1}])
    texts = {
        name: typesetting.set_texts(one_line, WORDS.__class__(product=name, gtin="", lot=""), rows=1)[0]
        for name in ("Tea", "Alpine Oolong Reserve")
    }
    assert texts["Tea"].size_pt == 9
    assert 5 < texts["Alpine Oolong Reserve"].size_pt < 9
    long = WORDS.__class__(product="Alpine Oolong Reserve of the Spring Harvest", gtin="", lot="")
    with pytest.raises(TextTooLong) as refused:
        typesetting.set_texts(one_line, long, rows=1)
    assert refused.value.data["number"] == 1
    broken = typesetting.set_texts(A4, long, rows=1)[0]
    assert broken.constant == ("Alpine Oolong Reserve", "of the Spring Harvest")


def test_texts_that_say_nothing_take_no_room() -> None:
    blank = WORDS.__class__(product="", gtin="", lot="")
    assert [text.field.source for text in typesetting.set_texts(ROLL, blank, rows=1)] == ["serial_groups"]
