"""One QR symbol at a time, for a page, a label or a terminal: level M, the smallest version that fits, quiet zone of 4 modules.

Promises: URIs of equal length and character set get symbols of equal version, so those of one order all look alike in size; what is
written upper case is encoded in alphanumeric mode. Sources: ISO/IEC 18004 sections 7.4 (modes) and 9.1 (quiet zone). Pure.

Also what every symbol is printed with, however it was drawn: its size in whole dots of a printer, and the line that people read.
`affine_symbols` draws many; a mask chosen there may differ from the one here, and any reader reads both.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import segno

from codegen.gs1.gs1_links import Element

QUIET_ZONE = 4
LEVEL = "M"
URI_LENGTH_MAX = 500
PIXELS_PER_MODULE = 8
PIXELS_PER_MODULE_MAX = 40

DPI_MAX = 10_000
MM_PER_INCH = Decimal("25.4")
SERIAL_GROUP = 4

_WHITE_ON_BLACK = "\x1b[97;40m"
_PLAIN = "\x1b[0m"


def version(uri: str) -> int:
    """The QR version (1 to 40) of the symbol of `uri`; a version v has 17 + 4v modules a side, without the quiet zone."""
    return int(_symbol(uri).version)


def svg(uri: str, *, module_mm: Decimal | None = None) -> str:
    """An SVG document of its own. Without `module_mm` it has no size but a view box, and fits whatever holds it."""
    out = io.BytesIO()
    if module_mm is None:
        _symbol(uri).save(out, kind="svg", border=QUIET_ZONE, light="#fff", omitsize=True, xmldecl=False)
    else:
        _symbol(uri).save(out, kind="svg", border=QUIET_ZONE, light="#fff", scale=float(module_mm), unit="mm")
    return out.getvalue().decode("utf-8")


def png(uri: str, *, pixels_per_module: int = PIXELS_PER_MODULE) -> bytes:
    if not 1 <= pixels_per_module <= PIXELS_PER_MODULE_MAX:
        raise ValueError(f"a module has 1 to {PIXELS_PER_MODULE_MAX} pixels, not {pixels_per_module}")
    out = io.BytesIO()
    _symbol(uri).save(out, kind="png", border=QUIET_ZONE, scale=pixels_per_module)
    return out.getvalue()


def terminal(uri: str) -> str:
    """Lines of half-block characters, quiet zone included. Colours are set, so that a light terminal does not turn it inside out."""
    out = io.StringIO()
    _symbol(uri).terminal(out=out, border=QUIET_ZONE, compact=True)
    return "".join(f"{_WHITE_ON_BLACK}{line}{_PLAIN}\n" for line in out.getvalue().splitlines() if line)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedSize:
    """A symbol as a printer can draw it: every module the same whole number of dots, so none is wider than its neighbours."""

    dots_per_module: int
    module_mm: Decimal
    side_mm: Decimal


def printed_size(*, side: int, module_mm: Decimal, dpi: int) -> PrintedSize:
    """The nearest size to `module_mm` that a printer of `dpi` can draw. `side` counts modules, quiet zone included."""
    if not 1 <= dpi <= DPI_MAX or module_mm <= 0:
        raise ValueError(f"{module_mm} mm at {dpi} dots an inch is no size of a module")
    dots = max(1, int((module_mm * dpi / MM_PER_INCH).to_integral_value(ROUND_HALF_UP)))
    exact = dots * MM_PER_INCH / dpi
    thousandth = Decimal("0.001")
    return PrintedSize(dots_per_module=dots, module_mm=exact.quantize(thousandth), side_mm=(side * exact).quantize(thousandth))


def readable_serial(serial: str) -> str:
    """A serial as it stands beside its symbol for people to type: in groups, whose gaps the typing forgives."""
    return " ".join(serial[start : start + SERIAL_GROUP] for start in range(0, len(serial), SERIAL_GROUP))


def readable_elements(elements: Iterable[Element]) -> str:
    """The human readable interpretation of GS1 elements: each AI in brackets (General Specifications section 4.14)."""
    return " ".join(f"({element.ai}) {element.value}" for element in elements)


def _symbol(uri: str) -> segno.QRCode:
    if not 1 <= len(uri) <= URI_LENGTH_MAX:
        raise ValueError(f"a printed URI has 1 to {URI_LENGTH_MAX} characters, not {len(uri)}")
    return segno.make_qr(uri, error=LEVEL, boost_error=False)
