"""How large a mark comes out, and what speaks against it: for whoever chooses one, before anything is ordered.

Promises: the version and size that drawing will have, the module as whole dots of the printer, and a warning with its figures for everything that
makes a symbol hard to print or to read. A warning forbids nothing. Refuses URIs that no symbol holds. Pure.

    spec = MarkSpec(level=Level.Q, module_mm=Decimal("0.4"), dpi=300)
    found = mark_sizes.size(spec, uri_length=64)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from codegen.gs1.gs1_links import Element
from codegen.symbology import data_matrices, qr_forms
from codegen.symbology.mark_specs import QUIET_DATA_MATRIX, QUIET_QR, MarkSpec, ReadableLine, Symbology
from codegen.symbology.qr_forms import Mode, Segment
from codegen.symbology.symbol_limits import VERSION_MIN, Level
from codegen.symbols import MM_PER_INCH, printed_size

__all__ = ["Level", "MarkSize", "MarkSpec", "MarkWarning", "ReadableLine", "Surface", "Symbology", "WarningCode", "size"]

MODULE_MM_LEAST = Decimal("0.25")  # below, phones fail
MODULE_MM_RECOMMENDED = Decimal("0.375")  # below, hand scanners and old phones do
DOTS_FEW = 3  # below, a dot that runs or is missing is half a module
SNAP_NOTABLE = Decimal("0.05")  # of the module that was asked for
MODULES_MANY = 57  # version 10: beyond, a phone has to come close


class Surface(StrEnum):
    FLAT = "flat"
    CURVED = "curved"


class WarningCode(StrEnum):
    MODULE_BELOW_DOT = "module_below_dot"  # the printer's dot is larger than the module that was asked for
    FEW_DOTS = "few_dots"
    MODULE_SNAPPED = "module_snapped"  # the module was changed to whole dots by a notable part
    MODULE_TINY = "module_tiny"
    MODULE_SMALL = "module_small"
    QUIET_ZONE_SHORT = "quiet_zone_short"
    LEVEL_LOW = "level_low"  # for a small module or a curved surface
    SYMBOL_DENSE = "symbol_dense"
    LARGER_THAN_LABEL = "larger_than_label"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkWarning:
    """What is wrong, what it is now and what it should be: millimetres, dots, modules or the letter of a level, by the code."""

    code: WarningCode
    found: str
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSize:
    """`version` is QR's, or the number of modules a side of a DataMatrix; `modules` a side, without the quiet zone of `quiet_modules`.

    `module_mm` is what the printer draws, a whole number of dots, and `asked_mm` what was asked for; `symbol_mm` is without, `total_mm` with
    the quiet zone on both sides; the readable line is not counted.
    """

    version: int
    modules: int
    quiet_modules: int
    asked_mm: Decimal
    module_mm: Decimal
    module_dots: int
    symbol_mm: Decimal
    total_mm: Decimal
    warnings: tuple[MarkWarning, ...]


def size(
    spec: MarkSpec,
    *,
    uri_length: int,
    signature_length: int = 0,
    label_mm: tuple[Decimal, Decimal] | None = None,
    surface: Surface = Surface.FLAT,
) -> MarkSize:
    """`uri_length` counts the characters of the printed URI in upper case, `signature_length` those behind it that need byte mode (`?s=` and
    its value); `label_mm` is width and height of what it is printed on.
    """
    version, modules = _form(spec, uri_length=uri_length, signature_length=signature_length)
    return measured(spec, version=version, modules=modules, label_mm=label_mm, surface=surface)


def measured(
    spec: MarkSpec,
    *,
    version: int,
    modules: int,
    label_mm: tuple[Decimal, Decimal] | None = None,
    surface: Surface = Surface.FLAT,
) -> MarkSize:
    """The same for a symbol whose modules a side are known."""
    symbol = printed_size(side=modules, module_mm=spec.module_mm, dpi=spec.dpi)
    total = printed_size(side=modules + 2 * spec.quiet, module_mm=spec.module_mm, dpi=spec.dpi)
    bare = MarkSize(
        version=version,
        modules=modules,
        quiet_modules=spec.quiet,
        asked_mm=spec.module_mm,
        module_mm=symbol.module_mm,
        module_dots=symbol.dots_per_module,
        symbol_mm=symbol.side_mm,
        total_mm=total.side_mm,
        warnings=(),
    )
    found = (*_of_module(spec, bare), *_of_symbol(spec, bare, label_mm=label_mm, surface=surface))
    return replace(bare, warnings=found)


def _form(spec: MarkSpec, *, uri_length: int, signature_length: int) -> tuple[int, int]:
    """(version, modules a side)"""
    if uri_length < 1 or signature_length < 0:
        raise ValueError(f"a URI has no {uri_length} and {signature_length} characters")
    if spec.symbology is Symbology.GS1_DATAMATRIX:
        # Whatever the URI is, GTIN and serial are what this symbol holds.
        form = data_matrices.fitted((Element(ai="01", value="0" * 14), Element(ai="21", value="X" * 20)))
        return form.modules, form.modules
    segments = [Segment(mode=Mode.ALPHANUMERIC, fixed=b"", variable=uri_length)]
    if signature_length:
        segments.append(Segment(mode=Mode.BYTE, fixed=b"", variable=signature_length))
    fitted = qr_forms.fitted(segments, level=spec.level, version_min=spec.version or VERSION_MIN)
    return fitted.version, fitted.modules


def _of_module(spec: MarkSpec, found: MarkSize) -> Iterator[MarkWarning]:
    dot_mm = (MM_PER_INCH / spec.dpi).quantize(Decimal("0.001"))
    if spec.module_mm < MM_PER_INCH / spec.dpi:
        yield MarkWarning(code=WarningCode.MODULE_BELOW_DOT, found=_mm(spec.module_mm), wanted=_mm(dot_mm))
    elif abs(found.module_mm - spec.module_mm) > SNAP_NOTABLE * spec.module_mm:
        yield MarkWarning(code=WarningCode.MODULE_SNAPPED, found=_mm(found.module_mm), wanted=_mm(spec.module_mm))
    if found.module_dots < DOTS_FEW:
        yield MarkWarning(code=WarningCode.FEW_DOTS, found=str(found.module_dots), wanted=str(DOTS_FEW))
    if found.module_mm < MODULE_MM_LEAST:
        yield MarkWarning(code=WarningCode.MODULE_TINY, found=_mm(found.module_mm), wanted=_mm(MODULE_MM_LEAST))
    elif found.module_mm < MODULE_MM_RECOMMENDED:
        yield MarkWarning(code=WarningCode.MODULE_SMALL, found=_mm(found.module_mm), wanted=_mm(MODULE_MM_RECOMMENDED))


def _of_symbol(
    spec: MarkSpec, found: MarkSize, *, label_mm: tuple[Decimal, Decimal] | None, surface: Surface
) -> Iterator[MarkWarning]:
    quiet = QUIET_QR if spec.symbology is Symbology.QR else QUIET_DATA_MATRIX
    if spec.quiet < quiet:
        yield MarkWarning(code=WarningCode.QUIET_ZONE_SHORT, found=str(spec.quiet), wanted=str(quiet))
    hard = surface is Surface.CURVED or found.module_mm < MODULE_MM_RECOMMENDED
    enough = Level.Q if hard else Level.M
    if spec.symbology is Symbology.QR and list(Level).index(spec.level) < list(Level).index(enough):
        yield MarkWarning(code=WarningCode.LEVEL_LOW, found=spec.level.value, wanted=enough.value)
    if found.modules > MODULES_MANY:
        yield MarkWarning(code=WarningCode.SYMBOL_DENSE, found=str(found.modules), wanted=str(MODULES_MANY))
    if label_mm is not None and found.total_mm > min(label_mm):
        yield MarkWarning(code=WarningCode.LARGER_THAN_LABEL, found=_mm(found.total_mm), wanted=_mm(min(label_mm)))


def _mm(length: Decimal) -> str:
    return f"{length.normalize():f}"
