"""Single symbols: what is drawn is read back by an independent reader, at one size for one order."""

import struct
from decimal import Decimal

import numpy as np
import pytest
import zxingcpp

from codegen import symbols
from codegen.cipher import EpochKeys, SerialCipher, normalise
from codegen.gs1.gs1_links import Element

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


@pytest.mark.parametrize(
    ("module_mm", "dpi", "dots", "exact_mm", "side_mm"),
    [
        ("0.5", 203, 4, "0.500", "20.520"),
        ("0.5", 300, 6, "0.508", "20.828"),
        ("0.5", 600, 12, "0.508", "20.828"),
        ("0.33", 1200, 16, "0.339", "13.885"),
        ("0.01", 203, 1, "0.125", "5.130"),
    ],
)
def test_a_printed_module_is_a_whole_number_of_dots(module_mm: str, dpi: int, dots: int, exact_mm: str, side_mm: str) -> None:
    size = symbols.printed_size(side=41, module_mm=Decimal(module_mm), dpi=dpi)
    assert (size.dots_per_module, size.module_mm, size.side_mm) == (dots, Decimal(exact_mm), Decimal(side_mm))


def test_a_module_has_a_size() -> None:
    for module_mm, dpi in (("0", 300), ("-1", 300), ("0.5", 0), ("0.5", 10_001)):
        with pytest.raises(ValueError, match="no size"):
            symbols.printed_size(side=41, module_mm=Decimal(module_mm), dpi=dpi)


def test_people_read_groups_and_their_typing_is_understood() -> None:
    serial = CIPHER.serial_of(7)
    line = symbols.readable_serial(serial)
    assert [len(group) for group in line.split()] == [4, 4, 4, 4, 4]
    assert normalise(line.lower()) == serial


def test_elements_are_read_with_their_identifiers() -> None:
    elements = (Element(ai="01", value="09521234543213"), Element(ai="21", value="A7"))
    assert symbols.readable_elements(elements) == "(01) 09521234543213 (21) A7"
