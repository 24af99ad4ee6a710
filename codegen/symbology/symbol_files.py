"""Pictures of many symbols at once, from packed rows: PNG files of one bit a pixel, SVG documents of filled paths.

Promises: a picture is exactly the modules that it was given, quiet zone included, dark on white; the same rows give the same bytes for the same
zlib. Rows are packed bits, most significant first, dark 1, shape (count, side, row_bytes), as `affine_symbols` and `data_matrices` draw them.
Sources: PNG (Third Edition) sections 11.2.1 (IHDR), 11.3.4.3 (pHYs), 9 (filters). Pure.
"""

import struct
import zlib
from collections.abc import Iterator
from decimal import Decimal
from functools import cache

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint8]

PIXELS_PER_MODULE_MAX = 64
DPI_MAX = 10_000
_CHUNK = 256  # symbols whose pixels are in memory at once
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MM_PER_INCH = Decimal("25.4")
_FILTER_UP = 2
_LEVEL = 1  # repeated lines are zeros after the filter: more effort saves a tenth of the bytes and costs twice the time


def pngs(rows: Rows, *, side: int, pixels_per_module: int, dpi: int | None = None) -> Iterator[bytes]:
    """One PNG for each symbol. With `dpi` the file says how large it is meant to be printed."""
    if not 1 <= pixels_per_module <= PIXELS_PER_MODULE_MAX:
        raise ValueError(f"a module has 1 to {PIXELS_PER_MODULE_MAX} pixels, not {pixels_per_module}")
    head = _SIGNATURE + _head(side * pixels_per_module, dpi)
    tail = _part(b"IEND", b"")
    for start in range(0, len(rows), _CHUNK):
        for lines in _lines(rows[start : start + _CHUNK], side=side, pixels=pixels_per_module):
            yield head + _part(b"IDAT", zlib.compress(lines, _LEVEL)) + tail


def svgs(rows: Rows, *, side: int, module_mm: Decimal | None = None) -> Iterator[str]:
    """One SVG document for each symbol, a rectangle for each run of dark modules. Without `module_mm` it fits whatever holds it."""
    size = "" if module_mm is None else f' width="{side * module_mm}mm" height="{side * module_mm}mm"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg"{size} viewBox="0 0 {side} {side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="'
    )
    for path in paths(rows, side=side):
        yield f'{head}{path}"/></svg>\n'


def paths(rows: Rows, *, side: int) -> Iterator[str]:
    """The dark modules of each symbol as an SVG path in units of modules."""
    corners = [f"M{place % side} {place // side}h" for place in range(side * side)]
    widths = [f"{width}v1h-{width}z" for width in range(side + 1)]
    for start in range(0, len(rows), _CHUNK):
        bits = np.unpackbits(rows[start : start + _CHUNK], axis=2, count=side)
        edges = np.diff(np.pad(bits, ((0, 0), (0, 0), (1, 1))).view(np.int8), axis=2)
        symbol, row, column = np.nonzero(edges == 1)
        width = np.nonzero(edges == -1)[2] - column
        places = (row * side + column).tolist()
        runs = [corners[place] + widths[one] for place, one in zip(places, width.tolist(), strict=True)]
        ends = np.searchsorted(symbol, np.arange(len(bits) + 1))
        for first, last in zip(ends.tolist(), ends[1:].tolist(), strict=False):
            yield "".join(runs[first:last])


def _lines(rows: Rows, *, side: int, pixels: int) -> Iterator[bytes]:
    """The filtered lines of each picture: a line of modules as it is, then its repetitions as "the same as above"."""
    width = -(-side * pixels // 8)
    light = _widened(pixels)[np.invert(rows)].reshape(len(rows), side, -1)[:, :, :width]
    lines = np.zeros((len(rows), side, pixels, 1 + width), dtype=np.uint8)
    lines[:, :, 0, 1:] = light
    lines[:, :, 1:, 0] = _FILTER_UP
    for picture in lines:
        yield picture.tobytes()


@cache
def _widened(pixels: int) -> npt.NDArray[np.uint8]:
    """For each byte of eight modules, the bytes of its pixels."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1)
    return np.packbits(bits.repeat(pixels, axis=1), axis=1)


def _head(pixels: int, dpi: int | None) -> bytes:
    head = _part(b"IHDR", struct.pack(">IIBBBBB", pixels, pixels, 1, 0, 0, 0, 0))
    if dpi is None:
        return head
    if not 1 <= dpi <= DPI_MAX:
        raise ValueError(f"a printer has 1 to {DPI_MAX} dots an inch, not {dpi}")
    per_metre = round(dpi * 1000 / _MM_PER_INCH)
    return head + _part(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))


def _part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
