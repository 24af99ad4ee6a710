"""Pictures of many symbols: exactly the modules they were given, in files that other programs read."""

import struct
import zlib
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import pytest
import zxingcpp

from codegen.cipher import EpochKeys, SerialCipher
from codegen.symbology import qr_forms, symbol_files
from codegen.symbology.affine_symbols import AffinePress
from codegen.symbology.symbol_limits import Level

CIPHER = SerialCipher(0, EpochKeys.derive(bytes(32)))
PREFIX = "HTTPS://ID.EXAMPLE.COM/01/09521234543213/21/"
PRESS = AffinePress(qr_forms.fitted([qr_forms.segment(PREFIX, variable=20)], level=Level.M))
SERIALS = CIPHER.serials(0, 300)  # more than a chunk
ROWS = PRESS.draw(SERIALS, mask=3)
MODULES = PRESS.matrices(ROWS)


def png_parts(picture: bytes) -> dict[bytes, bytes]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    found, place = {}, 8
    while place < len(picture):
        (length,) = struct.unpack(">I", picture[place : place + 4])
        kind, content = picture[place + 4 : place + 8], picture[place + 8 : place + 8 + length]
        assert picture[place + 8 + length : place + 12 + length] == struct.pack(">I", zlib.crc32(kind + content))
        found[kind] = content
        place += 12 + length
    return found


def pixels(picture: bytes) -> npt.NDArray[np.uint8]:
    """A reader of one-bit grey PNG files that knows the filters none and up."""
    parts = png_parts(picture)
    width, height, *rest = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert rest == [1, 0, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), dtype=np.uint8).reshape(height, -1)
    decoded = lines[:, 1:].copy()
    for number, kind in enumerate(lines[:, 0]):
        assert kind in (0, 2)
        if kind == 2:
            decoded[number] += decoded[number - 1]
    return np.unpackbits(decoded, axis=1, count=width)


@pytest.mark.parametrize("pixels_per_module", [1, 2, 3, 8, 10])
def test_a_png_holds_each_module_as_a_square_of_pixels(pixels_per_module: int) -> None:
    pictures = list(symbol_files.pngs(ROWS, side=41, pixels_per_module=pixels_per_module))
    assert len(pictures) == len(SERIALS)
    for row in (0, 255, 256, 299):
        wanted = ~MODULES[row].repeat(pixels_per_module, axis=0).repeat(pixels_per_module, axis=1)
        assert (pixels(pictures[row]) == wanted).all()


def test_a_png_is_read_by_a_reader_of_symbols() -> None:
    for picture, serial in zip(symbol_files.pngs(ROWS[:5], side=41, pixels_per_module=4), SERIALS, strict=False):
        (found,) = zxingcpp.read_barcodes(pixels(picture) * np.uint8(255))
        assert found.text == PREFIX + serial.decode()


def test_a_png_says_how_large_it_is_printed() -> None:
    (picture,) = symbol_files.pngs(ROWS[:1], side=41, pixels_per_module=10, dpi=600)
    assert struct.unpack(">IIB", png_parts(picture)[b"pHYs"]) == (23622, 23622, 1)
    (without,) = symbol_files.pngs(ROWS[:1], side=41, pixels_per_module=10)
    assert b"pHYs" not in png_parts(without)


@pytest.mark.parametrize(("pixels_per_module", "dpi"), [(0, None), (65, None), (1, 0), (1, 10_001)])
def test_sizes_without_sense_are_refused(pixels_per_module: int, dpi: int | None) -> None:
    with pytest.raises(ValueError, match="not"):
        list(symbol_files.pngs(ROWS[:1], side=41, pixels_per_module=pixels_per_module, dpi=dpi))


def painted(path: str, side: int) -> npt.NDArray[np.bool_]:
    """What a path of rectangles `Mx yhWv1h-Wz` covers."""
    modules = np.zeros((side, side), dtype=np.bool_)
    for run in path.split("z")[:-1]:
        corner, width, back = run.removeprefix("M").replace("h-", "|").replace("h", "|").replace("v1", "").split("|")
        x, y = map(int, corner.split())
        assert width == back
        assert not modules[y, x : x + int(width)].any()
        modules[y, x : x + int(width)] = True
    return modules


def test_an_svg_paints_each_dark_module_once() -> None:
    documents = list(symbol_files.svgs(ROWS, side=41, module_mm=Decimal("0.5")))
    assert len(documents) == len(SERIALS)
    for row in (0, 255, 256, 299):
        root = ET.fromstring(documents[row])  # noqa: S314 - our own document
        assert (root.get("width"), root.get("viewBox")) == ("20.5mm", "0 0 41 41")
        ground, dark = root.findall("{http://www.w3.org/2000/svg}path")
        assert ground.get("d") == "M0 0h41v41H0z"
        assert (painted(str(dark.get("d")), 41) == MODULES[row]).all()


def test_an_svg_without_a_size_fits_its_place() -> None:
    (document,) = symbol_files.svgs(ROWS[:1], side=41)
    assert "mm" not in document


def test_symbols_do_not_run_into_one_another() -> None:
    paths = list(symbol_files.paths(ROWS, side=41))
    assert all(one != other for one, other in pairwise(paths))
    assert list(symbol_files.paths(ROWS[254:258], side=41)) == paths[254:258]
    assert list(symbol_files.paths(ROWS[:0], side=41)) == []
