"""GS1 DataMatrix: what a reader finds is what the elements say, at one size for one order."""

import numpy as np
import pytest
import zxingcpp

from codegen.cipher import EpochKeys, SerialCipher
from codegen.gs1.gs1_links import Element
from codegen.symbology import data_matrices, symbol_checks
from kit.refusals import Invalid, Malformed

CIPHER = SerialCipher(0, EpochKeys.derive(bytes(32)))
GTIN = Element(ai="01", value="09521234543213")


def item(serial: str) -> tuple[Element, ...]:
    return GTIN, Element(ai="21", value=serial)


def test_symbols_of_an_order_have_one_size_and_say_what_they_should() -> None:
    form = data_matrices.fitted(item("0" * 20))
    assert (form.modules, form.side) == (22, 24)
    serials = [serial.decode() for serial in CIPHER.serials(0, 200)]
    rows = data_matrices.draw(map(item, serials), form=form)
    assert rows.shape == (200, 24, 3)
    for packed, serial in zip(rows[:40], serials, strict=False):
        (found,) = zxingcpp.read_barcodes(symbol_checks.pictured(packed, side=form.side))
        assert found.symbology_identifier == "]d2"
        assert found.bytes == f"010952123454321321{serial}".encode()


def test_every_value_of_a_length_fits_the_size_of_that_length() -> None:
    hardest = "a.A,1;B!b" * 3
    for length in range(1, 21):
        form = data_matrices.fitted(item("0" * length))
        for value in (hardest[:length], "0" * length, "A" * length):
            assert data_matrices.draw([item(value)], form=form).shape == (1, form.side, -(-form.side // 8))


def test_elements_are_kept_apart() -> None:
    elements = (GTIN, Element(ai="10", value="A(1)B"), Element(ai="17", value="261122"), Element(ai="21", value="S(10)"))
    form = data_matrices.fitted(elements)
    (found,) = zxingcpp.read_barcodes(symbol_checks.pictured(data_matrices.draw([elements], form=form)[0], side=form.side))
    assert found.bytes == b"010952123454321310A(1)B\x1d1726112221S(10)"


def test_the_quiet_zone_is_light() -> None:
    form = data_matrices.fitted(item("A" * 20))
    modules = np.unpackbits(data_matrices.draw([item("A" * 20)], form=form), axis=2, count=form.side)[0]
    assert modules[1:-1, 1].all()  # the solid side of the finder
    assert not modules[0].any()
    assert not modules[:, 0].any()
    assert not modules[-1].any()
    assert not modules[:, -1].any()


def test_nothing_is_drawn_of_nothing() -> None:
    assert data_matrices.draw([], form=data_matrices.fitted(item("A"))).shape[0] == 0


def test_what_the_elements_forbid_is_not_drawn() -> None:
    form = data_matrices.fitted(item("A" * 20))
    with pytest.raises(Malformed, match="check digit"):
        data_matrices.draw([(Element(ai="01", value="09521234543214"),)], form=form)
    with pytest.raises(Malformed, match="no AI"):
        data_matrices.draw([(Element(ai="1234", value="x"),)], form=form)


def test_what_is_longer_than_the_order_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        data_matrices.draw([item("A" * 20)], form=data_matrices.fitted(item("A" * 5)))
    assert refused.value.code == "data_matrix_too_long"
    with pytest.raises(Invalid):
        data_matrices.fitted([Element(ai="99", value="x" * 90)] * 20)
