"""Pictures of labels: well-formed, without anything that a page would refuse, and of the size of print."""

import xml.etree.ElementTree as ET

import pytest

from codegen.labels import previews
from codegen.labels.fitting import TextOverSymbol
from codegen.symbology.mark_specs import MarkSpec, Symbology
from tests.codegen.labels.samples import A4, CAP, CHINESE, URI, WORDS, changed

SVG = "{http://www.w3.org/2000/svg}"
SIGNED = f"{URI}?s={'a' * 86}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


@pytest.mark.parametrize("uri", [URI, SIGNED], ids=["plain", "signed"])
def test_a_label_is_drawn_in_millimetres_with_outlines_alone(uri: str) -> None:
    root = parsed(previews.label_svg(A4, uri=uri, mark=MarkSpec(), texts=CHINESE))
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("64mm", "34mm", "0 0 64 34")
    tags = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert tags == {"svg", "rect", "path"}
    assert not [one for one in root.iter() if "style" in one.attrib]


def test_a_sheet_repeats_one_label_or_shows_those_it_was_given() -> None:
    repeated = parsed(previews.sheet_svg(A4, uris=[URI], mark=MarkSpec(), texts=WORDS))
    assert len(list(repeated.iter(f"{SVG}use"))) == 24
    three = parsed(previews.sheet_svg(A4, uris=[URI] * 3, mark=MarkSpec(), texts=WORDS))
    assert len(list(three.iter(f"{SVG}g"))) == 3


def test_a_round_label_is_round_and_a_data_matrix_is_drawn() -> None:
    root = parsed(previews.label_svg(CAP, uri=URI, mark=MarkSpec(symbology=Symbology.GS1_DATAMATRIX), texts=WORDS))
    assert root[0].tag == f"{SVG}ellipse"


def test_words_are_not_markup() -> None:
    fixed = changed(A4, texts=[{"source": "fixed", "words": "<&\"'>"}])
    assert parsed(previews.label_svg(fixed, uri=URI, mark=MarkSpec(), texts=WORDS)) is not None


def test_what_cannot_be_printed_is_not_shown() -> None:
    with pytest.raises(TextOverSymbol):
        previews.label_svg(changed(A4, texts=[{"x_mm": "10"}]), uri=URI, mark=MarkSpec(), texts=WORDS)
