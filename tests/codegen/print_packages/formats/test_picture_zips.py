"""Archives of pictures: every member is the symbol of its row, whoever wrote which part; archives larger than 4 GB have their records."""

import io
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from codegen.print_packages.formats import picture_zips, zip_archives
from codegen.print_packages.formats.picture_zips import Picture, PictureZip
from codegen.symbology import captions
from codegen.symbology.captions import CaptionPress
from codegen.symbology.mark_specs import MarkSpec, ReadableLine, Symbology
from tests.codegen.print_packages.formats.composed import GTIN, listed, press, written

SPEC = MarkSpec(dpi=203)
CODES = 300


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_zips, "ROWS_PER_STEP", 100)
    monkeypatch.setattr(picture_zips, "ROWS_AT_ONCE", 64)


def archive(spec: MarkSpec = SPEC, picture: Picture = Picture.PNG) -> PictureZip:
    return PictureZip(listed(CODES), press=press(spec), picture=picture)


def opened(raw: bytes) -> zipfile.ZipFile:
    found = zipfile.ZipFile(io.BytesIO(raw))
    assert found.testzip() is None
    return found


@pytest.mark.parametrize("spec", [SPEC, replace(SPEC, symbology=Symbology.GS1_DATAMATRIX, text=ReadableLine.SERIAL)])
def test_every_picture_is_the_symbol_of_its_row(spec: MarkSpec) -> None:
    found = opened(written(lambda: archive(spec)))
    part = listed(CODES).part(0, CODES + 2)
    serials = [serial.decode() for serial in part.serials.tolist()]
    assert found.namelist() == [f"0000/{row:03}-{serial}.png" for row, serial in enumerate(serials, start=1)]
    wanted = part.uris() if spec.symbology is Symbology.QR else [f"(01){GTIN}(21){serial}" for serial in serials]
    for name, text in list(zip(found.namelist(), wanted, strict=True))[::25]:
        picture = Image.open(io.BytesIO(found.read(name)))
        assert round(picture.info["dpi"][0]) == 203
        (read,) = zxingcpp.read_barcodes(np.asarray(picture.convert("L")))
        assert read.text == text


@pytest.mark.parametrize("picture", Picture)
def test_another_worker_after_each_step_writes_the_same_bytes(picture: Picture) -> None:
    assert written(lambda: archive(picture=picture), at_once=False) == written(lambda: archive(picture=picture))


def test_a_document_says_its_size_and_the_lines_that_people_read() -> None:
    spec = MarkSpec(module_mm=Decimal("0.5"), dpi=600)
    found = opened(written(lambda: archive(spec, Picture.SVG)))
    root = ET.fromstring(found.read(found.namelist()[0]))  # noqa: S314 - our own document
    assert root.get("width") == "20.828mm"
    serial = listed(CODES).part(0, 1).serials[0].decode()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [f"{serial[:4]} {serial[4:8]} {serial[8:12]}", f"{serial[12:16]} {serial[16:]}"]


def test_captions_stand_under_the_quiet_zone_and_fit() -> None:
    serials = listed(20).part(0, 20).serials
    for line in (ReadableLine.SERIAL, ReadableLine.SERIAL_GROUPS):
        for width in (90, 164, 492, 3000):
            drawn = CaptionPress(line, width).draw(serials)
            assert drawn.shape[2] == width
            assert drawn.any(axis=(1, 2)).all()
            assert not drawn[:, :, 0].any()
            assert not drawn[:, :, -1].any()
    assert CaptionPress(ReadableLine.SERIAL_GROUPS, 40).height == 0
    assert CaptionPress(ReadableLine.NONE, 400).height == 0
    assert len({letter.tobytes() for letter in CaptionPress(ReadableLine.SERIAL, 90).draw(serials)}) == 20
    assert captions.lines(ReadableLine.NONE, "A" * 20) == ()


def test_an_archive_beyond_four_gigabytes_has_its_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit beyond which the old records say nothing is made small; what readers read is the same."""
    monkeypatch.setattr(zip_archives, "ZIP64_FROM", 2**16)
    members = [(f"{number:05}.txt".encode(), bytes([number % 256]) * 1000) for number in range(200)]
    out = notes = b""
    for name, content in members:
        member, note = zip_archives.member(name, content)
        out, notes = out + member, notes + note
    pieces = zip_archives.directory(
        io.BytesIO(notes), name_of=lambda first, count: [name for name, _ in members[first : first + count]], offset=len(out)
    )
    directory = b"".join(pieces)
    assert directory.count(b"\xff" * 4) > 100
    found = opened(out + directory)
    assert [(info.filename.encode(), found.read(info)) for info in found.infolist()] == members


def test_more_members_than_the_old_records_count() -> None:
    names = [f"{number:06}".encode() for number in range(70_000)]
    parts = [zip_archives.member(name, b"") for name in names]
    out = b"".join(content for content, _ in parts)
    pieces = zip_archives.directory(
        io.BytesIO(b"".join(note for _, note in parts)),
        name_of=lambda first, count: names[first : first + count],
        offset=len(out),
    )
    found = zipfile.ZipFile(io.BytesIO(out + b"".join(pieces)))
    assert len(found.namelist()) == 70_000


def test_notes_that_do_not_fit_the_file_are_noticed() -> None:
    with pytest.raises(ValueError, match="members end at byte"):
        list(
            zip_archives.directory(
                io.BytesIO(zip_archives.member(b"a", b"b")[1]), name_of=lambda _first, _count: [b"a"], offset=9
            )
        )
