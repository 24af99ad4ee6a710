"""One QR symbol at a time, for a page, a label or a terminal: level M, the smallest version that fits, quiet zone of 4 modules.

Promises: URIs of equal length and character set get symbols of equal version, so those of one order all look alike in size; what is
written upper case is encoded in alphanumeric mode. Sources: ISO/IEC 18004 sections 7.4 (modes) and 9.1 (quiet zone). Pure.
"""

import io
from decimal import Decimal

import segno

QUIET_ZONE = 4
LEVEL = "M"
URI_LENGTH_MAX = 500
PIXELS_PER_MODULE = 8
PIXELS_PER_MODULE_MAX = 40

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


def _symbol(uri: str) -> segno.QRCode:
    if not 1 <= len(uri) <= URI_LENGTH_MAX:
        raise ValueError(f"a printed URI has 1 to {URI_LENGTH_MAX} characters, not {len(uri)}")
    return segno.make_qr(uri, error=LEVEL, boost_error=False)
