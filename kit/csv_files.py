"""CSV files from outside: one header, UTF-8, limits, and a line number for everything that is wrong.

Promises: rows come one by one, so that a large file never lies in memory; each carries the line on which it starts, as an editor
counts lines. Refuses, each with a code of its own: an empty file, another header, bytes that are not UTF-8, control characters, broken
quoting, and what is larger than its limits. What is wrong with single rows is collected in `Faults` and refused together.
"""

import csv
import hashlib
import re
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from kit.refusals import Invalid, TooLarge

LINE_BYTES_MAX = 64 << 10
FAULTS_SHOWN_MAX = 20
SHOWN_LENGTH_MAX = 80
_HEADER_SHOWN_MAX = 300
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_BYTE_ORDER_MARK = "\ufeff"  # spreadsheets write it before UTF-8


class CsvEmpty(Invalid):
    code = "csv_empty"
    says = "The file is empty. Its first line has to be: {expected}"


class CsvHeader(Invalid):
    code = "csv_header"
    says = "The header is another one. Expected: {expected} Found: {found}"


class CsvEncoding(Invalid):
    code = "csv_encoding"
    says = "Line {line} is not UTF-8: byte {byte} of the line cannot be read."


class CsvControlCharacter(Invalid):
    code = "csv_control_character"
    says = "Line {line} holds a control character at byte {byte}."


class CsvQuoting(Invalid):
    code = "csv_quoting"
    says = "Line {line} cannot be read as CSV: {why}."


class CsvTooLarge(TooLarge):
    code = "csv_too_large"
    says = "The file has more than {bytes_max} bytes."


class CsvTooManyRows(TooLarge):
    code = "csv_too_many_rows"
    says = "The file has more than {rows_max} rows."


class CsvLineTooLong(TooLarge):
    code = "csv_line_too_long"
    says = "Line {line} has more than {line_bytes_max} bytes."


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fault:
    """What is wrong with one row. `column` is empty where the row as a whole is at fault."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason}" if self.column else f"line {self.line}: {self.reason}"


class CsvRowsRefused(Invalid):
    """`faults` are the earliest ones by line; `faults_total` counts all."""

    code = "csv_rows_refused"

    def __init__(self, faults: Sequence[Fault], *, faults_total: int) -> None:
        more = faults_total - len(faults)
        parts = [*(str(fault) for fault in faults), *([f"and {more} more"] if more else [])]
        super().__init__(
            f"Nothing was loaded: {faults_total} {'fault' if faults_total == 1 else 'faults'}. {'; '.join(parts)}.",
            faults_total=faults_total,
            lines=",".join(str(fault.line) for fault in faults),
        )
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    bytes_max: int
    rows_max: int


class Faults:
    """The faults of a file: the earliest `shown_max` by line, and how many there are."""

    def __init__(self, *, shown_max: int = FAULTS_SHOWN_MAX) -> None:
        self._shown_max = shown_max
        self.shown: list[Fault] = []
        self.total = 0

    def add(self, *, line: int, column: str = "", reason: str) -> None:
        self.total += 1
        insort(self.shown, Fault(line=line, column=column, reason=reason))
        del self.shown[self._shown_max :]

    def refuse(self) -> None:
        """Raises when there is any."""
        if self.total:
            raise CsvRowsRefused(self.shown, faults_total=self.total)


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    values: list[str]


class Reader:
    """Reads one file once. After the last row, `sha256` names its bytes."""

    def __init__(self, file: BinaryIO, *, header: Sequence[str], limits: Limits) -> None:
        self._file = file
        self._header = list(header)
        self._limits = limits
        self._hash = hashlib.sha256()
        self._lines_read = 0
        self.bytes_read = 0
        self.rows_read = 0

    @property
    def sha256(self) -> bytes:
        return self._hash.digest()

    def rows(self, faults: Faults) -> Iterator[Row]:
        """Rows with as many values as the header; others become faults. Empty lines are passed over."""
        reader = csv.reader(self._text(), strict=True)
        try:
            self._check_header(next(reader, None))
            while True:
                line = reader.line_num + 1
                values = next(reader, None)
                if values is None:
                    return
                if not values:
                    continue
                self._count_row()
                if len(values) == len(self._header):
                    yield Row(line, values)
                else:
                    faults.add(line=line, reason=f"has {len(values)} columns instead of {len(self._header)}")
        except csv.Error as error:
            raise CsvQuoting(line=self._lines_read, why=str(error)) from error

    def _check_header(self, found: list[str] | None) -> None:
        expected = ",".join(self._header)
        if found is None or (not found and not self._rest()):
            raise CsvEmpty(expected=expected)
        if found != self._header:
            raise CsvHeader(expected=expected, found=",".join(found)[:_HEADER_SHOWN_MAX])

    def _rest(self) -> bytes:
        return self._file.read(LINE_BYTES_MAX).strip()

    def _count_row(self) -> None:
        self.rows_read += 1
        if self.rows_read > self._limits.rows_max:
            raise CsvTooManyRows(rows_max=self._limits.rows_max)

    def _text(self) -> Iterator[str]:
        while raw := self._file.readline(LINE_BYTES_MAX + 1):
            self._lines_read += 1
            self.bytes_read += len(raw)
            if self.bytes_read > self._limits.bytes_max:
                raise CsvTooLarge(bytes_max=self._limits.bytes_max)
            if len(raw) > LINE_BYTES_MAX:
                raise CsvLineTooLong(line=self._lines_read, line_bytes_max=LINE_BYTES_MAX)
            self._hash.update(raw)
            text = self._decoded(raw)
            yield text.removeprefix(_BYTE_ORDER_MARK) if self._lines_read == 1 else text

    def _decoded(self, raw: bytes) -> str:
        control = _CONTROL.search(raw)
        if control is not None and (self._lines_read > 1 or not raw.startswith((b"\xff\xfe", b"\xfe\xff"))):
            raise CsvControlCharacter(line=self._lines_read, byte=control.start() + 1)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CsvEncoding(line=self._lines_read, byte=error.start + 1) from error


def plain_cell(value: str) -> str:
    """A value that a spreadsheet takes for text, when we write a file: no cell is a formula."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def shown(value: str) -> str:
    """A value as a fault may quote it: printable, and cut where it is long."""
    cut = value if len(value) <= SHOWN_LENGTH_MAX else value[: SHOWN_LENGTH_MAX - 1] + "…"
    return repr(cut)
