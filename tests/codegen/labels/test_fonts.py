"""Letters read from font files of both kinds, written into a document's own font, and read again."""

from pathlib import Path

import pytest

from codegen.labels.fonts import faces
from codegen.labels.fonts.faces import Face, LetterMissing, face_for, outline_of
from codegen.labels.fonts.font_files import FontFile
from codegen.labels.fonts.type2_reading import CompactFont
from codegen.labels.fonts.type2_writing import written

LATIN = "AVg0Äé%&@"
NOBODY_HAS = "\ue123"  # of the private use area


@pytest.mark.parametrize("face", faces.faces(), ids=lambda face: face.name)
def test_letters_survive_being_written_into_a_font_of_ones_own(face: Face) -> None:
    outlines = [outline_of(face, letter) for letter in LATIN]
    read = CompactFont(memoryview(written("Own", outlines)))
    assert read.count == len(LATIN) + 1
    assert not read.outline(0).steps
    for cid, outline in enumerate(outlines, start=1):
        assert outline.advance > 200
        assert read.outline(cid).steps == outline.steps


@pytest.mark.parametrize("face", faces.faces(), ids=lambda face: face.name)
def test_an_outline_lies_where_the_letter_stands(face: Face) -> None:
    """A capital letter stands on the base line, as high as two thirds of its size; Ä is an A with something above."""
    heights = {}
    for letter in "HÄ":
        ys = [value for _, values in outline_of(face, letter).steps for value in values[1::2]]
        heights[letter] = (min(ys), max(ys))
    assert heights["H"][0] == 0
    assert 650 < heights["H"][1] < 780
    assert heights["Ä"][1] > heights["H"][1]
    assert not outline_of(face, " ").steps


def test_a_letter_that_no_font_has_is_refused_by_name() -> None:
    with pytest.raises(LetterMissing) as refused:
        face_for(f"Tea {NOBODY_HAS}")
    assert refused.value.data["letter"] == NOBODY_HAS


def test_chinese_is_set_in_a_font_that_has_it() -> None:
    if len(faces.faces()) == 1:
        pytest.skip("Noto Sans SC is not installed")
    face = face_for("高山乌龙茶")
    assert face.name == "NotoSansSC"
    assert face.width("茶") == 1000
    assert outline_of(face, "茶").steps


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.ttf").write_bytes(b"\x00\x01\x00\x00" + bytes(60))
    with pytest.raises(ValueError, match="the font lacks"):
        FontFile(tmp_path / "no.ttf")
