"""Package files, byte by byte: against rows written one at a time, in every encoding, from any byte to any byte."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import digital_link
from codegen.cipher import EpochKeys, SerialCipher
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.print_packages import package_rows, pins, templates
from codegen.print_packages.package_rows import Content, PackageRows, Stretch, Wording
from codegen.print_packages.templates import Column, Encoding, Quotes, Source, Template

CIPHER = SerialCipher(2, EpochKeys.derive(bytes(range(32))))
WORDING = Wording(origin="https://id.example", gtin=Gtin("09521234543213"), lot="L-7", kind=Kind.ITEM_OUTER, profile=Profile.GS1)
EVERY = tuple(
    Column(source=source, heading=source.value, text="茶" if source is Source.FIXED else "")
    for source in Source
    if source is not Source.PIN
)


def rows_of(stretch: Stretch, template: Template, content: Content = Content.CODES) -> PackageRows:
    return PackageRows(CIPHER, stretch=stretch, wording=WORDING, template=template, content=content)


def written(rows: PackageRows) -> bytes:
    return b"".join(rows.read(0, rows.size_bytes))


def counters(stretch: Stretch) -> list[int]:
    canaries = {row: stretch.canary_first + number for number, row in enumerate(stretch.canary_rows)}
    codes = iter(range(stretch.first_counter, stretch.first_counter + stretch.codes))
    return [canaries[row] if row in canaries else next(codes) for row in range(stretch.rows)]


def slowly(stretch: Stretch, template: Template) -> list[list[str]]:
    width = len(str(stretch.rows))
    table = []
    for row, n in enumerate(counters(stretch), start=1):
        serial = CIPHER.serial_of(n)
        values = {
            Source.URL: digital_link.build(WORDING.origin, WORDING.gtin, serial, WORDING.profile),
            Source.SERIAL: serial,
            Source.SERIAL_GROUPS: " ".join(serial[at : at + 4] for at in range(0, 20, 4)),
            Source.HRI: f"(01){WORDING.gtin}(21){serial}",
            Source.GTIN: WORDING.gtin,
            Source.LOT: WORDING.lot,
            Source.KIND: WORDING.kind.value,
            Source.ROW: f"{row:0{width}d}",
            Source.PIN: pins.pin_of(CIPHER, n),
        }
        table.append([one.text if one.source is Source.FIXED else values[one.source] for one in template.columns])
    return table


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("quotes", Quotes)
@pytest.mark.parametrize("separator", templates.SEPARATORS)
@pytest.mark.parametrize("line_end", templates.LINE_ENDS)
def test_every_way_of_writing_is_read_back_by_a_csv_reader(
    encoding: Encoding, quotes: Quotes, separator: str, line_end: str
) -> None:
    template = Template(name="t", columns=EVERY, separator=separator, line_end=line_end, quotes=quotes, encoding=encoding)
    stretch = Stretch(first_counter=990, codes=20, canary_first=5000, canary_rows=(22, 0, 7))
    raw = written(rows_of(stretch, template))
    assert raw.startswith(encoding.mark)
    text = raw[len(encoding.mark) :].decode(encoding.codec)
    assert text.count(templates.LINE_ENDS[line_end]) == 24
    table = list(csv.reader(io.StringIO(text, newline=""), delimiter=templates.SEPARATORS[separator]))
    assert table == [[one.heading for one in EVERY], *slowly(stretch, template)]


def test_canaries_look_like_their_neighbours() -> None:
    stretch = Stretch(first_counter=0, codes=5, canary_first=900, canary_rows=(2,))
    lines = written(rows_of(stretch, templates.DEFAULT)).decode().splitlines()[1:]
    assert lines[2].split(",")[2:] == lines[1].split(",")[2:] == ["09521234543213", "L-7", "item_outer"]
    assert lines[2].split(",")[1] == CIPHER.serial_of(900)


@given(st.data())
def test_any_piece_of_a_file_is_the_same_piece(data: st.DataObject) -> None:
    codes = data.draw(st.integers(1, 60))
    places = tuple(data.draw(st.lists(st.integers(0, codes - 1), unique=True, max_size=8)))
    template = data.draw(st.sampled_from([one for one in templates.BUILT_IN.values() if one.name != "pins"]))
    rows = rows_of(Stretch(first_counter=7, codes=codes, canary_first=100, canary_rows=places), template)
    whole = written(rows)
    assert len(whole) == rows.size_bytes
    cuts = sorted({0, len(whole), *data.draw(st.lists(st.integers(0, len(whole)), max_size=6))})
    assert b"".join(b"".join(rows.read(start, stop)) for start, stop in pairwise(cuts)) == whole


def test_pieces_over_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    stretch = Stretch(first_counter=7, codes=100, canary_first=500, canary_rows=(0, 30, 31, 32, 33, 102, 95))
    whole = written(rows_of(stretch, templates.DEFAULT))
    monkeypatch.setattr(package_rows, "ROWS_PER_CHUNK", 3)
    assert written(rows_of(stretch, templates.DEFAULT)) == whole


def test_pins_stand_beside_their_serials() -> None:
    stretch = Stretch(first_counter=3, codes=10, canary_first=70, canary_rows=(4, 1))
    lines = written(rows_of(stretch, templates.PINS, Content.PINS)).decode().splitlines()
    assert lines[0] == "serial,pin"
    assert lines[1:] == [f"{CIPHER.serial_of(n)},{pins.pin_of(CIPHER, n)}" for n in counters(stretch)]


def test_pins_and_codes_do_not_travel_together() -> None:
    stretch = Stretch(first_counter=0, codes=1)
    for template, content in (
        (templates.PINS, Content.CODES),
        (templates.DEFAULT, Content.PINS),
        (Template(name="t", columns=templates.columns(Source.LOT)), Content.CODES),
    ):
        with pytest.raises(templates.TemplateMalformed):
            rows_of(stretch, template, content)


def test_rows_in_so_many_bytes() -> None:
    rows = rows_of(Stretch(first_counter=0, codes=3), templates.DEFAULT)
    line = (rows.size_bytes - rows.header_bytes) // 3
    found = [rows.rows_in(size) for size in (0, rows.header_bytes, rows.header_bytes + line - 1, rows.header_bytes + line)]
    assert found == [0, 0, 0, 1]
