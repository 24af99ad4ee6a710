"""How large marks come out, and what they are warned of."""

from decimal import Decimal
from typing import Any

import pytest

from codegen.symbology import mark_sizes
from codegen.symbology.mark_sizes import Surface, WarningCode
from codegen.symbology.mark_specs import MarkMalformed, MarkSpec, Masking, ReadableLine, Symbology
from codegen.symbology.qr_forms import SymbolTooLong
from codegen.symbology.symbol_limits import Level

D = Decimal


def codes(spec: MarkSpec, **more: Any) -> list[WarningCode]:
    return [one.code for one in mark_sizes.size(spec, uri_length=64, **more).warnings]


def test_an_address_of_64_characters_at_half_a_millimetre() -> None:
    found = mark_sizes.size(MarkSpec(), uri_length=64)
    assert (found.version, found.modules, found.quiet_modules, found.module_dots) == (4, 33, 4, 12)
    assert (found.asked_mm, found.module_mm, found.symbol_mm, found.total_mm) == (D("0.5"), D("0.508"), D("16.764"), D("20.828"))
    assert found.warnings == ()


def test_a_signature_behind_the_address_takes_a_larger_version() -> None:
    assert mark_sizes.size(MarkSpec(), uri_length=64, signature_length=89).version == 8
    assert mark_sizes.size(MarkSpec(version=12), uri_length=64).version == 12


def test_a_matrix_takes_no_notice_of_levels_and_versions() -> None:
    found = mark_sizes.size(MarkSpec(symbology=Symbology.GS1_DATAMATRIX, level=Level.L), uri_length=64)
    assert (found.modules, found.quiet_modules, found.warnings) == (22, 1, ())


@pytest.mark.parametrize(
    ("spec", "more", "wanted"),
    [
        (MarkSpec(module_mm=D("0.1"), dpi=203, level=Level.Q), {}, {"module_below_dot", "few_dots", "module_tiny"}),
        (MarkSpec(module_mm=D("0.3"), dpi=300, level=Level.Q), {}, {"module_snapped", "module_small"}),
        (MarkSpec(module_mm=D("0.3"), dpi=1200), {}, {"module_small", "level_low"}),
        (MarkSpec(), {"surface": Surface.CURVED}, {"level_low"}),
        (MarkSpec(level=Level.Q), {"surface": Surface.CURVED}, set()),
        (MarkSpec(level=Level.L), {}, {"level_low"}),
        (MarkSpec(quiet_modules=2), {}, {"quiet_zone_short"}),
        (MarkSpec(version=11), {}, {"symbol_dense"}),
        (MarkSpec(), {"label_mm": (D(20), D(40))}, {"larger_than_label"}),
        (MarkSpec(), {"label_mm": (D(40), D(21))}, set()),
    ],
)
def test_what_speaks_against_a_mark_is_said(spec: MarkSpec, more: dict[str, Any], wanted: set[str]) -> None:
    assert set(codes(spec, **more)) == wanted


def test_a_warning_has_its_figures() -> None:
    (warning,) = mark_sizes.size(MarkSpec(), uri_length=64, label_mm=(D(20), D(40))).warnings
    assert (warning.found, warning.wanted) == ("20.828", "20")


def test_what_no_symbol_holds_is_refused() -> None:
    with pytest.raises(SymbolTooLong):
        mark_sizes.size(MarkSpec(level=Level.H), uri_length=2000)
    with pytest.raises(ValueError, match="characters"):
        mark_sizes.size(MarkSpec(), uri_length=0)


def test_a_specification_survives_being_written_down() -> None:
    for spec in (
        MarkSpec(),
        MarkSpec(symbology=Symbology.GS1_DATAMATRIX, module_mm=D("0.254"), dpi=203, text=ReadableLine.NONE),
        MarkSpec(level=Level.H, version=7, mask=Masking.SYMBOL, quiet_modules=0, module_mm=D("1.50"), text=ReadableLine.SERIAL),
    ):
        assert MarkSpec.from_plain(spec.as_plain()) == spec
    assert MarkSpec.from_plain({}) == MarkSpec()


@pytest.mark.parametrize(
    "plain",
    [
        {"symbology": "aztec"}, {"level": "X"}, {"version": 41}, {"version": "4"}, {"version": True}, {"mask": "best"},
        {"quiet_modules": -1}, {"module_mm": "thick"}, {"module_mm": "NaN"}, {"module_mm": 0}, {"dpi": 10}, {"dpi": 600.5},
        {"text": "all"}, {"colour": "red"},
    ],
)  # fmt: skip
def test_what_is_no_mark_is_refused_by_its_part(plain: dict[str, Any]) -> None:
    with pytest.raises(MarkMalformed, match=next(iter(plain))):
        MarkSpec.from_plain(plain)
