"""Codes as people and devices give them: what is read, what was forgiven, what is no code."""

import pytest

from codegen import typed_codes
from codegen.gs1.link_refusals import DlCheckDigit, DlKeyUnsupported, DlSerialMissing, DlSyntax, DlUnknownAi, DlValueTooLong
from codegen.typed_codes import Note, Shape

GTIN = "09521234543213"
SERIAL = "0816MZTTBH7PFP77PTNS"


@pytest.mark.parametrize(
    ("text", "shape", "gtin", "notes"),
    [
        (SERIAL, Shape.SERIAL, None, set()),
        (f"  {SERIAL.lower()}\n", Shape.SERIAL, None, {Note.CASE}),
        ("O8I6 MZTT-BH7P-FP77-PTNS", Shape.SERIAL, None, {Note.LOOKALIKES, Note.SEPARATORS}),
        ("o8l6mzttbh7pfp77ptns", Shape.SERIAL, None, {Note.CASE, Note.LOOKALIKES}),
        ("０８１６ＭＺＴＴＢＨ７ＰＦＰ７７ＰＴＮＳ", Shape.SERIAL, None, set()),
        (f"HTTPS://ID.EXAMPLE/{SERIAL}", Shape.SHORT, None, set()),
        (f"id.example/{SERIAL.lower()}", Shape.SHORT, None, {Note.CASE}),
        (f"HTTPS://ID.EXAMPLE/01/{GTIN}/21/{SERIAL}", Shape.DIGITAL_LINK, GTIN, set()),
        (f"https://id.example/01/{GTIN}/21/{SERIAL.lower()}?s=abc", Shape.DIGITAL_LINK, GTIN, {Note.CASE}),
        (f"/01/{GTIN}/21/{SERIAL}", Shape.DIGITAL_LINK, GTIN, set()),
        (f"https://id.example/shop/01/{GTIN}/10/L1/21/{SERIAL}", Shape.DIGITAL_LINK, GTIN, set()),
        (f"ftp://id.example/01/{GTIN}/21/{SERIAL}", Shape.DIGITAL_LINK, GTIN, {Note.SCHEME}),
        (f"(01){GTIN}(21){SERIAL}", Shape.ELEMENTS, GTIN, set()),
        (f"]d2\x1d01{GTIN}21{SERIAL}", Shape.ELEMENTS, GTIN, set()),
        (f"]d201{GTIN}21{SERIAL}\x1d", Shape.ELEMENTS, GTIN, set()),
        (f"01{GTIN}21{SERIAL}", Shape.ELEMENTS, GTIN, set()),
    ],
)
def test_a_code_is_read_in_every_dress_and_what_was_forgiven_is_told(
    text: str, shape: Shape, gtin: str | None, notes: set[Note]
) -> None:
    found = typed_codes.closely(text)
    assert (found.shape, found.serial, found.gtin) == (shape, SERIAL, gtin)
    assert found.notes == notes
    assert typed_codes.read(text) == (SERIAL, gtin)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("https://id.example/", DlSyntax),
        ("https://id.example/a/b", DlUnknownAi),
        ("https://id.gs1.org/00/095212345678901234", DlKeyUnsupported),
        (f"https://id.example/01/{GTIN}", DlSerialMissing),
        (f"https://id.example/01/{GTIN}/21/{SERIAL}X", DlValueTooLong),
        (f"https://id.example/01/09521234543214/21/{SERIAL}", DlCheckDigit),
        (f"(01)09521234543214(21){SERIAL}", DlCheckDigit),
        ("http://[", DlSyntax),
    ],
)
def test_what_names_no_item_is_refused_by_its_fault(text: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        typed_codes.closely(text)


def test_what_is_wrong_with_a_serial_is_measured() -> None:
    assert typed_codes.missing(SERIAL[:-3]) == 3
    assert typed_codes.missing(SERIAL + "AB") == -2
    assert typed_codes.foreign_letters("08U6MU!") == "U!"
    assert typed_codes.foreign_letters(SERIAL) == ""


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("4006381333931", "04006381333931"),
        (" 96385074 ", "00000096385074"),
        ("036000291452", "00036000291452"),
        (GTIN, GTIN),
        ("4006381333932", None),
        ("12345", None),
        (SERIAL, None),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", None),
    ],
)
def test_a_plain_product_barcode_is_known_for_what_it_is(text: str, gtin: str | None) -> None:
    assert typed_codes.trade_item(text) == gtin
