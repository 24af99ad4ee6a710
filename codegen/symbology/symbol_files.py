"""Pictures of many symbols at once, from packed rows: PNG files of one bit a pixel, SVG documents of filled paths.

Promises: a picture is exactly the modules that it was given, quiet zone included, dark on white; the same rows give the same bytes for the same
zlib. Rows are packed bits, most significant first, dark 1, shape (count, side, row_bytes), as `affine_symbols` and `data_matrices` draw them.
Sources: PNG (Third Edition) sections 11.2.1 (IHDR), 11.3.4.3 (pHYs), 9 (filters). Pure.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
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
_ADVANCE = Decimal("0.61")  # the widest letter of the typefaces named below, over their size
_LINE = Decimal("1.1")  # from line to line, over the size of the letters
_BASE = Decimal("0.8")  # from the top of a line to the foot of its letters
_BELOW = Decimal("0.3")
_THOUSANDTH = Decimal("0.001")
_FILTER_UP = 2
_LEVEL = 1  # repeated lines are zeros after the filter: more effort saves a tenth of the bytes and costs twice the time


def pngs(
    rows: Rows, *, side: int, pixels_per_module: int, dpi: int | None = None, captions: Rows | None = None
) -> Iterator[bytes]:
    """One PNG for each symbol. With `dpi` the file says how large it is meant to be printed.

    `captions` are pixels, dark 1, of shape (count, height, side * pixels_per_module), that stand under the symbols.
    """
    if not 1 <= pixels_per_module <= PIXELS_PER_MODULE_MAX:
        raise ValueError(f"a module has 1 to {PIXELS_PER_MODULE_MAX} pixels, not {pixels_per_module}")
    height = 0 if captions is None else captions.shape[1]
    head = _SIGNATURE + _head(side * pixels_per_module, side * pixels_per_module + height, dpi)
    tail = _part(b"IEND", b"")
    for start in range(0, len(rows), _CHUNK):
        pictures = _lines(rows[start : start + _CHUNK], side=side, pixels=pixels_per_module)
        under = iter(()) if captions is None else _caption_lines(captions[start : start + _CHUNK])
        for lines in pictures:
            yield head + _part(b"IDAT", zlib.compress(lines + next(under, b""), _LEVEL)) + tail


def svgs(
    rows: Rows, *, side: int, module_mm: Decimal | None = None, captions: Sequence[Sequence[str]] | None = None
) -> Iterator[str]:
    """One SVG document for each symbol, a rectangle for each run of dark modules. Without `module_mm` it fits whatever holds it.

    `captions` are the lines under each symbol, of letters, digits and spaces, and as long in one caption as in the other.
    """
    lines = captions[0] if captions else ()
    letter = (side / ((max(map(len, lines), default=0) + 1) * _ADVANCE)).quantize(_THOUSANDTH) if lines else Decimal(0)
    height = side + ((len(lines) * _LINE + _BELOW) * letter).quantize(_THOUSANDTH) if lines else Decimal(side)
    size = "" if module_mm is None else f' width="{side * module_mm}mm" height="{height * module_mm}mm"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg"{size} viewBox="0 0 {side} {height}">'
        f'<path fill="#fff" d="M0 0h{side}v{height}H0z"/><path d="'
    )
    style = f'font-size="{letter}" text-anchor="middle" font-family="Consolas, Menlo, \'DejaVu Sans Mono\', monospace"'
    starts = [
        f'<text x="{Decimal(side) / 2}" y="{(side + (number * _LINE + _BASE) * letter).quantize(_THOUSANDTH)}" {style}>'
        for number in range(len(lines))
    ]
    for number, path in enumerate(paths(rows, side=side)):
        under = zip(starts, captions[number], strict=True) if captions else ()
        yield f'{head}{path}"/>{"".join(f"{start}{line}</text>" for start, line in under)}</svg>\n'


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
    light = widened(pixels)[np.invert(rows)].reshape(len(rows), side, -1)[:, :, :width]
    lines = np.zeros((len(rows), side, pixels, 1 + width), dtype=np.uint8)
    lines[:, :, 0, 1:] = light
    lines[:, :, 1:, 0] = _FILTER_UP
    for picture in lines:
        yield picture.tobytes()


def _caption_lines(captions: Rows) -> Iterator[bytes]:
    light = np.packbits(captions ^ 1, axis=2)
    lines = np.zeros((len(captions), captions.shape[1], 1 + light.shape[2]), dtype=np.uint8)
    lines[:, :, 1:] = light
    for caption in lines:
        yield caption.tobytes()


@cache
def widened(pixels: int) -> npt.NDArray[np.uint8]:
    """For each byte of eight modules, the bytes of its pixels."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1)
    return np.packbits(bits.repeat(pixels, axis=1), axis=1)


def _head(width: int, height: int, dpi: int | None) -> bytes:
    head = _part(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    if dpi is None:
        return head
    if not 1 <= dpi <= DPI_MAX:
        raise ValueError(f"a printer has 1 to {DPI_MAX} dots an inch, not {dpi}")
    per_metre = round(dpi * 1000 / _MM_PER_INCH)
    return head + _part(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))


def _part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
