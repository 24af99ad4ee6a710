"""Symbols by XOR: bit for bit what `qrcode` draws, read back by two other programs, masks by the standard's penalty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qrcode.main import QRCode
from qrcode.util import ALPHA_NUM, QRData, lost_point

from codegen.cipher import EpochKeys, SerialCipher
from codegen.symbology import qr_forms, symbol_checks
from codegen.symbology.affine_symbols import AffinePress, Texts
from codegen.symbology.qr_forms import Mode, Segment, SymbolForm
from codegen.symbology.symbol_checks import Treatment
from codegen.symbology.symbol_limits import Level
from kit.refusals import Invalid
from tests.codegen.symbology.second_reader import second_reading

CIPHER = SerialCipher(0, EpochKeys.derive(bytes(32)))
PREFIX = "HTTPS://ID.EXAMPLE.COM/01/09521234543213/21/"
ORDER = qr_forms.fitted([qr_forms.segment(PREFIX, variable=20)], level=Level.M)
PRESS = AffinePress(ORDER)


def oracle(form: SymbolForm, segments: list[bytes], *, mask: int, border: int = 4) -> QRCode:
    code = QRCode(version=form.version, error_correction=form.level.constant, border=border, mask_pattern=mask)
    for segment, text in zip(form.segments, segments, strict=True):
        code.add_data(QRData(text, mode=segment.mode.indicator))
    code.make(fit=False)
    return code


def texts_of(form: SymbolForm, text: bytes) -> list[bytes]:
    """The whole text of each segment, where `text` holds what varies."""
    whole = []
    for segment in form.segments:
        whole.append(segment.fixed + text[: segment.variable])
        text = text[segment.variable :]
    return whole


def random_texts(form: SymbolForm, count: int, chance: np.random.Generator) -> Texts:
    """Any characters of each segment's mode; letters, digits and marks that every reader agrees about in byte mode."""
    columns = [
        np.frombuffer(ALPHA_NUM if segment.mode is Mode.ALPHANUMERIC else bytes(range(33, 127)), dtype=np.uint8)[
            chance.integers(0, 45 if segment.mode is Mode.ALPHANUMERIC else 94, (count, segment.variable))
        ]
        for segment in form.segments
    ]
    return np.ascontiguousarray(np.concatenate(columns, axis=1)).view(f"S{form.variable}").reshape(count)


def test_an_order_of_64_characters_fits_version_4() -> None:
    assert (ORDER.version, ORDER.modules, ORDER.variable) == (4, 33, 20)
    assert ORDER.segments == (Segment(mode=Mode.ALPHANUMERIC, fixed=PREFIX.encode(), variable=20),)
    assert (PRESS.side, PRESS.row_bytes) == (41, 6)


@pytest.mark.parametrize("mask", range(8))
def test_every_mask_is_what_qrcode_draws(mask: int) -> None:
    serials = CIPHER.serials(0, 5)
    drawn = PRESS.matrices(PRESS.draw(serials, mask=mask))
    for serial, modules in zip(serials, drawn, strict=True):
        assert (modules == oracle(ORDER, [PREFIX.encode() + serial], mask=mask).get_matrix()).all()


FORMS = [
    ([Segment(mode=Mode.ALPHANUMERIC, fixed=b"", variable=10)], Level.H),
    ([Segment(mode=Mode.ALPHANUMERIC, fixed=b"A", variable=1)], Level.L),
    ([Segment(mode=Mode.ALPHANUMERIC, fixed=b"HTTPS://ID.EXAMPLE/", variable=20)], Level.Q),  # odd: a pair is half fixed
    ([Segment(mode=Mode.ALPHANUMERIC, fixed=b"HTTPS://ID.EX/", variable=19)], Level.M),  # a single character ends it
    ([Segment(mode=Mode.ALPHANUMERIC, fixed=b"HTTPS://ID.E/", variable=20)], Level.L),  # both
    ([Segment(mode=Mode.BYTE, fixed=b"https://id.example/01/09521234543213/21/", variable=20)], Level.M),
    (
        [Segment(mode=Mode.ALPHANUMERIC, fixed=PREFIX.encode(), variable=20), Segment(mode=Mode.BYTE, fixed=b"?s=", variable=5)],
        Level.Q,
    ),
    ([Segment(mode=Mode.ALPHANUMERIC, fixed=PREFIX.encode() * 4, variable=20)], Level.H),  # version 10 and more count longer
]


@pytest.mark.parametrize(("segments", "level"), FORMS)
def test_every_form_is_what_qrcode_draws_and_two_readers_read(segments: list[Segment], level: Level) -> None:
    compare_form(qr_forms.fitted(segments, level=level), count=6, chance=np.random.default_rng(20261122))


def compare_form(form: SymbolForm, *, count: int, chance: np.random.Generator) -> None:
    press = AffinePress(form)
    texts = random_texts(form, count, chance)
    mask = press.best_mask(texts)
    drawn = press.draw(texts, mask=mask)
    best, masks = press.draw_best(texts)
    for row, text in enumerate(texts):
        segments = texts_of(form, bytes(text))
        assert (press.matrices(drawn)[row] == oracle(form, segments, mask=mask).get_matrix()).all()
        assert (press.matrices(best)[row] == oracle(form, segments, mask=int(masks[row])).get_matrix()).all()
        picture = symbol_checks.pictured(drawn[row], side=press.side)
        reading = symbol_checks.read(picture)
        whole = b"".join(segments).decode()
        assert reading is not None
        assert (reading.text, reading.level, reading.unused_correction, reading.version) == (
            whole,
            form.level.value,
            1.0,
            form.version,
        )
        assert second_reading(picture) == whole


def test_the_smallest_version_is_the_one_qrcode_finds() -> None:
    for length in range(1, 300, 7):
        for level in Level:
            for mode, character in ((Mode.ALPHANUMERIC, "A"), (Mode.BYTE, "a")):
                code = QRCode(error_correction=level.constant)
                code.add_data(QRData(character * length, mode=mode.indicator))
                form = qr_forms.fitted([Segment(mode=mode, fixed=b"", variable=length)], level=level)
                assert form.version == code.best_fit()


def test_a_version_can_be_kept_larger_and_never_smaller() -> None:
    segments = [qr_forms.segment(PREFIX, variable=20)]
    assert qr_forms.fitted(segments, level=Level.M, version_min=6).version == 6
    assert qr_forms.fitted(segments, level=Level.H, version_min=2).version == 5


def test_what_no_version_holds_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        qr_forms.fitted([qr_forms.segment("a", variable=3000)], level=Level.L)
    assert refused.value.code == "symbol_too_long"


def test_a_mode_must_have_the_fixed_characters() -> None:
    assert qr_forms.segment("https://id.example/", variable=20).mode is Mode.BYTE
    with pytest.raises(ValueError, match="alphanumeric mode lacks"):
        qr_forms.segment("https://id.example/", variable=20, mode=Mode.ALPHANUMERIC)


@pytest.mark.parametrize("bad", [b"a7k2a7k2a7k2a7k2a7k2", b"0816MZTTBH7PFP77PTN", b"0816MZTTBH7PFP77PT\xff0"])
def test_characters_that_the_mode_lacks_are_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="text 1 has a character"):
        PRESS.draw(np.array([CIPHER.serial_of(0).encode(), bad], dtype="S20"), mask=0)


def test_texts_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="20 characters, not 19"):
        PRESS.draw(np.array([b"0" * 19]), mask=0)


def test_penalties_are_those_of_the_standard() -> None:
    serials = CIPHER.serials(100, 70)  # more than a word of symbols
    found = PRESS.penalties(serials)
    for column in (0, 1, 63, 64, 69):
        costs = [lost_point(oracle(ORDER, [PREFIX.encode() + serials[column]], mask=mask, border=0).modules) for mask in range(8)]
        assert found[:, column].tolist() == costs


def test_the_best_mask_of_each_symbol_costs_least_and_the_lowest_wins_a_draw() -> None:
    serials = CIPHER.serials(0, 200)
    drawn, masks = PRESS.draw_best(serials)
    costs = PRESS.penalties(serials)
    assert masks.tolist() == costs.argmin(axis=0).tolist()
    for mask in range(8):
        chosen = masks == mask
        assert (drawn[chosen] == PRESS.draw(serials[chosen], mask=mask)).all()


def test_an_order_has_the_mask_that_costs_its_sample_least() -> None:
    serials = CIPHER.serials(0, 64)
    totals = PRESS.penalties(serials).sum(axis=1)
    assert totals[PRESS.best_mask(serials)] == totals.min()
    with pytest.raises(ValueError, match="empty sample"):
        PRESS.best_mask(serials[:0])


def test_a_block_of_zeros_is_drawn_though_qrcode_cannot() -> None:
    form = qr_forms.fitted([qr_forms.segment(PREFIX, variable=20)], level=Level.H, version_min=13)
    zeros = b"0" * 20
    with pytest.raises(ValueError, match="glog"):
        oracle(form, [PREFIX.encode() + zeros], mask=0)
    press = AffinePress(form)
    texts = np.array([zeros, b"1" + zeros[1:]])
    faults = symbol_checks.check(
        press.draw_best(texts)[0],
        side=press.side,
        texts=[PREFIX + text.decode() for text in texts],
        level=Level.H,
        chance=np.random.default_rng(1),
    )
    assert faults == []


@given(st.integers(0, 2**40 - 5000), st.integers(0, 7))
def test_where_a_chunk_ends_makes_no_difference(first: int, mask: int) -> None:
    serials = CIPHER.serials(first, 1030)
    whole = PRESS.draw(serials, mask=mask)
    assert (whole[1020:] == PRESS.draw(serials[1020:], mask=mask)).all()


def test_nothing_is_drawn_of_nothing() -> None:
    assert PRESS.draw(CIPHER.serials(0, 0), mask=0).shape == (0, 41, 6)
    assert PRESS.draw_best(CIPHER.serials(0, 0))[0].shape == (0, 41, 6)


def test_the_quiet_zone_is_light_and_as_wide_as_asked() -> None:
    for zone in (0, 1, 4, 7):
        press = AffinePress(ORDER, quiet_zone=zone)
        modules = press.matrices(press.draw(CIPHER.serials(5, 2), mask=2))
        assert modules.shape == (2, 33 + 2 * zone, 33 + 2 * zone)
        inside = modules[:, zone : zone + 33, zone : zone + 33]
        assert inside.sum() == modules.sum()
        assert (inside[0] == oracle(ORDER, [PREFIX.encode() + CIPHER.serials(5, 1)[0]], mask=2, border=0).get_matrix()).all()


def test_a_sample_that_is_blurred_turned_and_grainy_is_read() -> None:
    serials = CIPHER.serials(0, 8)
    drawn, _ = PRESS.draw_best(serials)
    texts = [PREFIX + serial.decode() for serial in serials]
    chance = np.random.default_rng(1)
    assert symbol_checks.check(drawn, side=PRESS.side, texts=texts, level=Level.M, chance=chance) == []


def test_a_damaged_symbol_is_found_though_a_reader_can_mend_it() -> None:
    drawn = PRESS.draw(CIPHER.serials(0, 3), mask=1)
    drawn[1, 20, 2] ^= 0xFF
    texts = [PREFIX + serial.decode() for serial in CIPHER.serials(0, 3)]
    faults = symbol_checks.check(drawn, side=PRESS.side, texts=texts, level=Level.M, chance=np.random.default_rng(1))
    assert (faults[0].row, faults[0].treatment, faults[0].read) == (1, Treatment.CLEAN, texts[1])
    assert {fault.row for fault in faults} == {1}


def test_a_symbol_of_another_text_is_found() -> None:
    drawn = PRESS.draw(CIPHER.serials(0, 1), mask=1)
    faults = symbol_checks.check(drawn, side=PRESS.side, texts=["X"], level=Level.M, chance=np.random.default_rng(1))
    assert [fault.treatment for fault in faults] == list(Treatment)


PROVED = [
    *((version, level) for version in range(2, 14) for level in Level),
    *((version, Level.M) for version in (20, 26, 27, 33, 40)),
]


@pytest.mark.prove
@pytest.mark.parametrize(("version", "level"), PROVED)
def test_ten_thousand_symbols_over_versions_and_levels(version: int, level: Level) -> None:
    """48 forms of 200 symbols and 5 large ones of 100: equal to `qrcode`, whole for zxing-cpp, read by ZBar's reader."""
    fixed = PREFIX if version > 8 else "HTTPS://A.B/"  # the long one fits every level
    variable = 20 if qr_forms.fitted([qr_forms.segment(fixed, variable=20)], level=level).version <= version else 4
    fixed = fixed if variable == 20 else ""
    form = qr_forms.fitted([qr_forms.segment(fixed, variable=variable)], level=level, version_min=version)
    assert form.version == version
    compare_form(form, count=200 if version < 20 else 100, chance=np.random.default_rng(version))


@pytest.mark.prove
def test_ten_thousand_treated_pictures_are_read_by_one_reader_or_the_other() -> None:
    serials = CIPHER.serials(10**9, 2500)
    drawn, _ = PRESS.draw_best(serials)
    chance = np.random.default_rng(3)
    missed = {"zxing-cpp": 0, "ZBar": 0, "both": 0}
    for packed, serial in zip(drawn, serials, strict=True):
        for _, picture in symbol_checks.treated(symbol_checks.pictured(packed, side=PRESS.side), chance=chance):
            text = PREFIX + serial.decode()
            reading = symbol_checks.read(picture)
            first, second = reading is not None and reading.text == text, second_reading(picture) == text
            missed["zxing-cpp"] += not first
            missed["ZBar"] += not second
            missed["both"] += not (first or second)
    assert missed["both"] == 0, missed
    assert max(missed.values()) <= 50, missed  # of 10,000
