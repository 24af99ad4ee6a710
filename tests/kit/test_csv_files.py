import hashlib
from io import BytesIO

import pytest

from kit import csv_files
from kit.csv_files import (
    CsvControlCharacter,
    CsvEmpty,
    CsvEncoding,
    CsvHeader,
    CsvLineTooLong,
    CsvQuoting,
    CsvRowsRefused,
    CsvTooLarge,
    CsvTooManyRows,
    Faults,
    Limits,
    Reader,
)
from kit.refusals import Refusal

HEADER = ("name", "town")
LIMITS = Limits(bytes_max=1000, rows_max=5)


def read(content: bytes, faults: Faults | None = None) -> list[tuple[int, list[str]]]:
    reader = Reader(BytesIO(content), header=HEADER, limits=LIMITS)
    return [(row.line, row.values) for row in reader.rows(faults or Faults())]


def test_rows_come_with_the_line_on_which_they_start() -> None:
    content = '\ufeffname,town\r\nAlice,"Hang\nzhou"\n\nBob,"a ""b"", c"\n'.encode()
    assert read(content) == [(2, ["Alice", "Hang\nzhou"]), (5, ["Bob", 'a "b", c'])]


def test_a_last_line_needs_no_newline() -> None:
    assert read(b"name,town\nAlice,X") == [(2, ["Alice", "X"])]


@pytest.mark.parametrize(
    ("content", "refusal", "words"),
    [
        (b"", CsvEmpty, "name,town"),
        (b"\n\n", CsvEmpty, "name,town"),
        (b"name;town\nA;B\n", CsvHeader, "Expected: name,town Found: name;town"),
        (b"town,name\nA,B\n", CsvHeader, "Found: town,name"),
        (b"name,town,\nA,B,\n", CsvHeader, "Found: name,town,"),
        (b"name,town\nA,B\nA,\xc4\xe3\n", CsvEncoding, "Line 3 is not UTF-8: byte 3"),
        ("name,town\nA,B\n".encode("utf-16"), CsvEncoding, "Line 1"),
        (b"name,town\nA,B\x00\n", CsvControlCharacter, "Line 2"),
        (b'name,town\nA,"B\nC,D\n', CsvQuoting, "Line 3"),
        (b'name,town\nA,"B"x\n', CsvQuoting, "Line 2"),
        (b"name,town\rA,B\r", CsvQuoting, "Line 1"),
        (b"name,town\n" + b"A,B\n" * 300, CsvTooManyRows, "5 rows"),
        (b"name,town\n" + b"A," + b"B" * 2000, CsvTooLarge, "1000 bytes"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_with_its_own_code(content: bytes, refusal: type[Refusal], words: str) -> None:
    with pytest.raises(refusal) as refused:
        read(content)
    assert words in refused.value.detail


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    reader = Reader(BytesIO(b"x" * 10**6), header=HEADER, limits=Limits(bytes_max=10**7, rows_max=5))
    with pytest.raises(CsvLineTooLong):
        list(reader.rows(Faults()))


def test_rows_of_another_width_are_faults_and_the_rest_is_still_read() -> None:
    faults = Faults()
    assert read(b"name,town\nA\nB,C\nD,E,F\n", faults) == [(3, ["B", "C"])]
    with pytest.raises(CsvRowsRefused) as refused:
        faults.refuse()
    assert refused.value.detail == (
        "Nothing was loaded: 2 faults. line 2: has 1 columns instead of 2; line 4: has 3 columns instead of 2."
    )


def test_of_many_faults_the_earliest_are_named_and_the_rest_counted() -> None:
    faults = Faults(shown_max=2)
    for line in (9, 3, 7, 5):
        faults.add(line=line, column="town", reason="is not there")
    with pytest.raises(CsvRowsRefused) as refused:
        faults.refuse()
    assert refused.value.detail.endswith("line 3, town: is not there; line 5, town: is not there; and 2 more.")
    assert refused.value.data["faults_total"] == 4


def test_no_fault_refuses_nothing() -> None:
    Faults().refuse()


def test_the_digest_is_that_of_the_bytes() -> None:
    content = b"name,town\r\nA,B"
    reader = Reader(BytesIO(content), header=HEADER, limits=LIMITS)
    list(reader.rows(Faults()))
    assert reader.sha256 == hashlib.sha256(content).digest()


def test_quoted_values_are_printable_and_short() -> None:
    assert csv_files.shown("a\nb") == r"'a\nb'"
    assert len(csv_files.shown("x" * 500)) < 90
