"""Single symbols: what is drawn is read back by an independent reader, at one size for one order."""

import struct
from decimal import Decimal

import numpy as np
import pytest
import zxingcpp

from codegen import symbols
from codegen.cipher import EpochKeys, SerialCipher

CIPHER = SerialCipher(0, EpochKeys.derive(bytes(32)))


def uri(n: int) -> str:
    return f"HTTPS://ID.EXAMPLE.COM/01/09521234543213/21/{CIPHER.serial_of(n)}"


def drawn(modules: list[list[bool]], pixels: int = 4) -> str:
    """What a reader finds in a picture of dark (True) and light modules."""
    image = np.where(np.array(modules, dtype=bool), 0, 255).astype(np.uint8).repeat(pixels, 0).repeat(pixels, 1)
    (found,) = zxingcpp.read_barcodes(image)
    return str(found.text)


def test_the_symbols_of_one_order_have_one_version() -> None:
    assert len(uri(0)) == 64
    assert {symbols.version(uri(n)) for n in range(50)} == {4}


def test_a_terminal_shows_a_symbol_that_can_be_read() -> None:
    lines = symbols.terminal(uri(1)).splitlines()
    rows: list[list[bool]] = []
    for line in lines:
        assert line.startswith("\x1b[97;40m")
        cells = line.removeprefix("\x1b[97;40m").removesuffix("\x1b[0m")
        rows.append([cell not in "█▀" for cell in cells])
        rows.append([cell not in "█▄" for cell in cells])
    assert drawn(rows[:41]) == uri(1)


def test_a_png_has_the_asked_size_and_a_signature() -> None:
    picture = symbols.png(uri(2), pixels_per_module=3)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (41 * 3, 41 * 3)
    with pytest.raises(ValueError, match="1 to 40"):
        symbols.png(uri(2), pixels_per_module=0)


def test_an_svg_has_the_printed_size() -> None:
    assert 'viewBox="0 0 41 41"' in symbols.svg(uri(3))
    assert "width=" not in symbols.svg(uri(3)).split(">", 1)[0]
    assert 'width="20.5mm" height="20.5mm"' in symbols.svg(uri(3), module_mm=Decimal("0.5"))


def test_an_endless_uri_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="1 to 500"):
        symbols.svg("A" * 501)
