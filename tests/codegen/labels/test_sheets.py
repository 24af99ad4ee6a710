"""Label sheets: every symbol of a page is read back, texts are found, workers may change, a million pages have a tree."""

import hashlib
import io
import re
from typing import Any

import numpy as np
import pypdf
import pypdfium2
import pytest
import zxingcpp

from codegen.labels.fonts import faces
from codegen.labels.logos import read
from codegen.labels.pdf import sheets
from codegen.labels.pdf.sheets import LabelSheets, SheetsTooMany
from codegen.labels.templates import LabelTemplate
from codegen.labels.words import LabelWords
from codegen.symbology.mark_specs import MarkSpec, Symbology
from tests.codegen.labels.samples import A4, CAP, CHINESE, ROLL, WORDS, changed
from tests.codegen.labels.test_logos import picture
from tests.codegen.print_packages.formats.composed import CIPHER, addresses, listed, press, written

DPI = 300


def composed(
    template: LabelTemplate, codes: int, *, spec: MarkSpec | None = None, words: LabelWords = WORDS, **more: Any
) -> LabelSheets:
    return LabelSheets(listed(codes), template=template, press=press(spec or MarkSpec()), words=words, **more)


def seen(pdf: bytes, page: int, *, formats: Any = zxingcpp.QRCode, dpi: int = DPI) -> list[str]:
    """What a reader finds on a page that was printed at this resolution."""
    grey = pypdfium2.PdfDocument(pdf)[page].render(scale=dpi / 72, grayscale=True).to_numpy()
    picture_ = np.ascontiguousarray(grey.reshape(grey.shape[:2]))
    return [str(found.text) for found in zxingcpp.read_barcodes(picture_, formats=formats)]


def reader_of(pdf: bytes) -> Any:
    """Strict: an object out of place is an error."""
    return pypdf.PdfReader(io.BytesIO(pdf), strict=True)


def ink(pdf: bytes) -> int:
    """Dark dots of the first page."""
    return int(np.count_nonzero(pypdfium2.PdfDocument(pdf)[0].render(scale=4).to_numpy() < 128))


def uris(codes: int) -> list[str]:
    return listed(codes).part(0, codes + 2).uris()


def test_every_label_of_every_page_is_read_back() -> None:
    pdf = written(lambda: composed(A4, 40))
    assert len(pypdfium2.PdfDocument(pdf)) == 2
    found = seen(pdf, 0) + seen(pdf, 1)
    assert len(found) == 42
    assert sorted(found) == sorted(uris(40))


@pytest.mark.parametrize("template", [ROLL, CAP], ids=lambda template: template.name)
def test_rolls_and_caps_are_read_back(template: LabelTemplate) -> None:
    pdf = written(lambda: composed(template, 20))
    pages = len(pypdfium2.PdfDocument(pdf))
    assert pages == (22 if template is ROLL else 1)
    assert sorted(text for page in range(pages) for text in seen(pdf, page)) == sorted(uris(20))


def test_a_data_matrix_stands_in_its_place() -> None:
    pdf = written(lambda: composed(A4, 1, spec=MarkSpec(symbology=Symbology.GS1_DATAMATRIX)))
    texts = seen(pdf, 0, formats=zxingcpp.DataMatrix)
    assert sorted(texts) == sorted(f"(01)09521234543213(21){uri[-20:]}" for uri in uris(1))


def test_texts_can_be_found_and_copied() -> None:
    text = reader_of(written(lambda: composed(A4, 24))).pages[0].extract_text()
    serial = uris(24)[0][-20:]
    assert " ".join(re.findall("....", serial)) in text
    assert text.count("GTIN 09521234543213") == 24
    assert text.count("Alpine Oolong") == 24


def test_chinese_names_are_there_with_their_letters() -> None:
    if len(faces.faces()) == 1:
        pytest.skip("Noto Sans SC is not installed")
    pdf = written(lambda: composed(ROLL, 1, words=CHINESE))
    reader = reader_of(pdf)
    assert "高山乌龙茶" in reader.pages[0].extract_text().replace("\n", "")
    (font,) = reader.pages[0]["/Resources"]["/Font"].values()
    descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
    embedded = descriptor["/FontFile3"].get_data()
    assert 2_000 < len(embedded) < 40_000  # these letters, not the eight megabytes of them all
    nameless = written(lambda: composed(ROLL, 1, words=LabelWords(product="", gtin=CHINESE.gtin, lot=CHINESE.lot)))
    assert ink(pdf) > ink(nameless) + 1000


def test_another_worker_for_each_step_makes_the_same_file() -> None:
    at_once = written(lambda: composed(A4, 100))
    assert written(lambda: composed(A4, 100), rows_per_step=24, at_once=False) == at_once
    assert written(lambda: composed(A4, 100)) == at_once


def test_a_page_is_forgotten_when_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "KIDS_MAX", 5)
    pdf = written(lambda: composed(ROLL, 10))
    reader = reader_of(pdf)
    assert [len(node.get_object()["/Kids"]) for node in reader.root_object["/Pages"]["/Kids"]] == [5, 5, 2]
    assert [seen(pdf, page) for page in range(12)] == [[uri] for uri in uris(10)]
    with pytest.raises(ValueError, match="does not begin a page"):
        list(composed(A4, 100).body(5, 10, offset=0))


def test_border_logo_and_cutting_marks_are_drawn() -> None:
    logo = read(picture(colour=(220, 0, 0)))
    place = {"logo": logo.name, "x_mm": "52", "y_mm": "26", "width_mm": "10", "height_mm": "6"}
    template = changed(A4, border=True, logo=place)
    drawn: Any = pypdfium2.PdfDocument(written(lambda: composed(template, 1, logo=logo)))[0]
    pixels = drawn.render(scale=DPI / 72).to_numpy()

    def at_mm(x: float, y: float) -> list[int]:
        return [int(channel) for channel in pixels[round(y * DPI / 25.4), round(x * DPI / 25.4)][:3]]

    blue, _, red = at_mm(7 + 57, 12.5 + 29)
    assert red > 180
    assert blue < 60
    assert min(at_mm(7 + 30, 12.5 + 0.05)) < 200, "the border"
    assert min(pixels[round(9.5 * DPI / 25.4), :, 0]) < 200, "cutting marks above the first row"


def test_more_labels_than_a_document_bears_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "CODES_MAX", 10)
    with pytest.raises(SheetsTooMany) as refused:
        composed(A4, 11)
    assert refused.value.data == {"codes": 13, "codes_max": 10}


def test_the_file_says_nothing_of_when_and_where_it_was_made() -> None:
    pdf = written(lambda: composed(CAP, 3))
    assert b"/CreationDate" not in pdf
    assert reader_of(pdf).metadata == {"/Producer": "Onemark"}
    assert hashlib.sha256(pdf).digest() == hashlib.sha256(written(lambda: composed(CAP, 3))).digest()
    assert addresses().length == len(uris(1)[0])
    assert CIPHER.counter_of(uris(1)[0][-20:]) == 40
