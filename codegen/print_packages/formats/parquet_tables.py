"""Apache Parquet files with the columns of a template: texts, and whole numbers for the row; Zstandard, a row group at a time.

Promises: memory does not grow with the quantity. pyarrow cannot go on with a file that another process has begun; after a restart its writer is
fed all rows again from the first, and what it writes is thrown away up to the place where the file stood.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from codegen.cipher import SerialCipher
from codegen.print_packages.composing import Piece
from codegen.print_packages.formats import cells
from codegen.print_packages.formats.cells import Filling, Letters, Pattern
from codegen.print_packages.listed_codes import Listed, ListedCodes
from codegen.print_packages.templates import Column, Source, Template

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer  # a name of type checkers alone

ROWS_PER_GROUP = 1 << 17
GROUPS_PER_STEP = 8
SIGNED_GROUPS_PER_STEP = 1


class _Sink(io.RawIOBase):
    """Where the writer believes its file to be: what it writes is taken away after each group."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0
        self._kept: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: "ReadableBuffer") -> int:
        raw = bytes(piece)
        self._kept.append(raw)
        self.written += len(raw)
        return len(raw)

    def tell(self) -> int:
        return self.written

    def take(self) -> bytes:
        taken = b"".join(self._kept)
        self._kept.clear()
        return taken


class ParquetTable:
    """A composer of one Parquet file."""

    fingerprint = f"pyarrow {pa.__version__}"

    def __init__(self, listed: ListedCodes, *, template: Template, cipher: SerialCipher) -> None:
        self._listed = listed
        self._cipher = cipher
        self._columns = template.columns
        self._patterns = [self._pattern(column) for column in template.columns]
        names = [column.heading or column.source.value for column in template.columns]
        self._schema = pa.schema(
            [
                pa.field(name, pa.int64() if column.source is Source.ROW else pa.string(), nullable=False)
                for name, column in zip(names, template.columns, strict=True)
            ]
        )
        self._next_row = -1
        self._sink = _Sink()
        self._writer: pq.ParquetWriter | None = None

    @property
    def rows(self) -> int:
        return self._listed.rows

    @property
    def rows_per_step(self) -> int:
        signed = self._listed.wording.addresses.signer is not None
        return ROWS_PER_GROUP * (SIGNED_GROUPS_PER_STEP if signed else GROUPS_PER_STEP)

    def head(self) -> bytes:
        return b""  # the writer's own first bytes come with the first group

    def body(self, first: int, count: int, *, offset: int) -> Iterator[Piece]:
        writer = self._writer_at(first, offset=offset)
        self._next_row = -1  # who stops listening in the middle finds a writer that nobody can go on with
        for row in range(first, first + count, ROWS_PER_GROUP):
            yield Piece(content=self._group(writer, row, min(ROWS_PER_GROUP, first + count - row)))
        self._next_row = first + count

    def tail(self, notes: BinaryIO, *, offset: int) -> Iterator[bytes]:
        del notes
        self._writer_at(self.rows, offset=offset).close()
        self._next_row = -1
        yield self._sink.take()

    def _writer_at(self, row: int, *, offset: int) -> pq.ParquetWriter:
        """A writer that has been given all rows before `row`."""
        if self._writer is None or self._next_row != row:
            self._sink = _Sink()
            self._writer = pq.ParquetWriter(
                pa.PythonFile(self._sink, mode="w"),
                self._schema,
                compression="zstd",
                use_dictionary=False,  # serials never repeat, and what always does is compressed away
                write_statistics=False,
            )
            for before in range(0, row, ROWS_PER_GROUP):
                self._group(self._writer, before, min(ROWS_PER_GROUP, row - before))
            if row:
                self._sink.take()
        if row and self._sink.written != offset:
            raise ValueError(f"{self.fingerprint} wrote {self._sink.written} bytes where {offset} were written before")
        return self._writer

    def _group(self, writer: pq.ParquetWriter, row: int, count: int) -> bytes:
        listed = self._listed.part(row, count)
        filling = Filling(listed, self._cipher)
        arrays = [
            self._array(column, pattern, listed, filling) for column, pattern in zip(self._columns, self._patterns, strict=True)
        ]
        writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=count)
        return self._sink.take()

    def _pattern(self, column: Column) -> Pattern:
        if column.source is Source.FIXED:
            return [column.text]
        return cells.pattern(column.source, self._listed.wording, row_digits=1)

    @staticmethod
    def _array(column: Column, pattern: Pattern, listed: Listed, filling: Filling) -> "pa.Array[Any]":
        count = len(listed.serials)
        if column.source is Source.ROW:
            return pa.array(np.arange(listed.first + 1, listed.first + 1 + count, dtype=np.int64))
        texts = [" " * part.width if isinstance(part, Letters) else part for part in pattern]
        line = "".join(texts).encode()
        page = np.tile(np.frombuffer(line, dtype=np.uint8), (count, 1))
        at = 0
        for part, text in zip(pattern, texts, strict=True):
            if isinstance(part, Letters):
                filling.write(page[:, at : at + part.width], part)
            at += len(text.encode())
        offsets = np.arange(count + 1, dtype=np.int32) * np.int32(len(line))
        return pa.StringArray.from_buffers(count, pa.py_buffer(offsets.data), pa.py_buffer(page.reshape(-1).data))
