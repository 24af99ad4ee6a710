"""Files of lines, byte by byte: against rows written one at a time, in every encoding, from any row to any row."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import digital_link
from codegen.addresses import Addresses
from codegen.cipher import EpochKeys, SerialCipher
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.print_packages import templates
from codegen.print_packages.formats import row_files
from codegen.print_packages.formats.row_files import RowFile
from codegen.print_packages.guarding import pins
from codegen.print_packages.listed_codes import Holding, ListedCodes, Stretch, Wording
from codegen.print_packages.templates import Column, Content, Encoding, Quotes, Source, Template

CIPHER = SerialCipher(2, EpochKeys.derive(bytes(range(32))))
ORIGIN, GTIN = "https://id.example", Gtin("09521234543213")
HOLDING = Holding(children_first=0, parent_first=2000, per_parent=24)
WORDING = Wording(
    addresses=Addresses.of(origin=ORIGIN, gtin=GTIN, profile=Profile.GS1),
    gtin=GTIN,
    lot="L-7",
    kind=Kind.ITEM_OUTER,
    holding=HOLDING,
)
EVERY = tuple(
    Column(source=source, heading=source.value, text="茶" if source is Source.FIXED else "")
    for source in Source
    if source is not Source.PIN
)


def rows_of(stretch: Stretch, template: Template, wording: Wording = WORDING) -> RowFile:
    return RowFile(ListedCodes(CIPHER, stretch=stretch, wording=wording), template=template, cipher=CIPHER)


def written(rows: RowFile) -> bytes:
    offset = len(rows.head())
    return rows.head() + b"".join(piece.content for piece in rows.body(0, rows.rows, offset=offset))


def counters(stretch: Stretch) -> list[int]:
    canaries = {row: stretch.canary_first + number for number, row in enumerate(stretch.canary_rows)}
    codes = iter(range(stretch.first_counter, stretch.first_counter + stretch.codes))
    return [canaries[row] if row in canaries else next(codes) for row in range(stretch.rows)]


def slowly(stretch: Stretch, template: Template) -> list[list[str]]:
    width = len(str(stretch.rows))
    table = []
    numbers = counters(stretch)
    for row, n in enumerate(numbers, start=1):
        behind = [one for one in numbers[row - 1 :] if one < stretch.canary_first] or [stretch.first_counter + stretch.codes - 1]
        serial = CIPHER.serial_of(n)
        values = {
            Source.URL: digital_link.build(ORIGIN, GTIN, serial, Profile.GS1),
            Source.SERIAL: serial,
            Source.SERIAL_GROUPS: " ".join(serial[at : at + 4] for at in range(0, 20, 4)),
            Source.HRI: f"(01){WORDING.gtin}(21){serial}",
            Source.GTIN: WORDING.gtin,
            Source.LOT: WORDING.lot,
            Source.KIND: WORDING.kind.value,
            Source.PARENT_SERIAL: CIPHER.serial_of(2000 + behind[0] // 24),
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
def test_any_rows_of_a_file_are_the_same_rows(data: st.DataObject) -> None:
    codes = data.draw(st.integers(1, 60))
    places = tuple(data.draw(st.lists(st.integers(0, codes - 1), unique=True, max_size=8)))
    template = data.draw(st.sampled_from([one for one in templates.BUILT_IN.values() if one.name != "pins"]))
    rows = rows_of(Stretch(first_counter=7, codes=codes, canary_first=100, canary_rows=places), template)
    cuts = sorted({0, rows.rows, *data.draw(st.lists(st.integers(0, rows.rows), max_size=6))})
    pieces = [rows.head()]
    for start, stop in pairwise(cuts):
        offset = len(b"".join(pieces))
        pieces += [piece.content for piece in rows.body(start, stop - start, offset=offset)]
    assert b"".join(pieces) == written(rows)


def test_pieces_over_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    stretch = Stretch(first_counter=7, codes=100, canary_first=500, canary_rows=(0, 30, 31, 32, 33, 102, 95))
    whole = written(rows_of(stretch, templates.DEFAULT))
    monkeypatch.setattr(row_files, "ROWS_PER_CHUNK", 3)
    assert written(rows_of(stretch, templates.DEFAULT)) == whole


def test_pins_stand_beside_their_serials() -> None:
    stretch = Stretch(first_counter=3, codes=10, canary_first=70, canary_rows=(4, 1))
    lines = written(rows_of(stretch, templates.PINS)).decode().splitlines()
    assert lines[0] == "serial,pin"
    assert lines[1:] == [f"{CIPHER.serial_of(n)},{pins.pin_of(CIPHER, n)}" for n in counters(stretch)]


def test_pins_and_codes_do_not_travel_together() -> None:
    for template, content in (
        (templates.PINS, Content.CODES),
        (templates.DEFAULT, Content.PINS),
        (Template(name="t", columns=templates.columns(Source.LOT)), Content.CODES),
    ):
        with pytest.raises(templates.TemplateMalformed):
            templates.check_columns(template, content)


def test_blank_codes_have_no_product_and_nothing_that_holds_them() -> None:
    addresses = Addresses.of(origin=ORIGIN, gtin=Gtin(""), profile=Profile.SHORT)
    blank = Wording(addresses=addresses, gtin=Gtin(""), lot="ROLL", kind=Kind.ITEM_OUTER)
    columns = templates.columns(Source.URL, Source.HRI, Source.GTIN, Source.PARENT_SERIAL)
    lines = written(rows_of(Stretch(first_counter=0, codes=1), Template(name="t", columns=columns), blank)).decode().splitlines()
    serial = CIPHER.serial_of(0)
    assert lines[1] == f"HTTPS://ID.EXAMPLE/{serial},(21){serial},,"


def test_signed_addresses_carry_their_signature() -> None:
    def signer(printed: bytes) -> bytes:
        return printed[-20:] * 4 + b"-_sign"

    signed = Wording(addresses=Addresses(head="HTTPS://ID.EXAMPLE/", signer=signer), gtin=GTIN, lot="L", kind=Kind.CASE)
    rows = rows_of(Stretch(first_counter=0, codes=3, canary_first=9, canary_rows=(1,)), templates.DEFAULT, signed)
    for line in written(rows).decode().splitlines()[1:]:
        url, serial = line.split(",")[:2]
        assert url == f"HTTPS://ID.EXAMPLE/{serial}?s={serial * 4}-_sign"
    assert rows.rows_per_step < row_files.ROWS_PER_STEP
