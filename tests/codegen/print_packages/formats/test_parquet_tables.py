"""Parquet packages: the rows of the CSV in columns, and the same bytes whoever goes on."""

import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codegen.print_packages import templates
from codegen.print_packages.formats import parquet_tables
from codegen.print_packages.formats.parquet_tables import ParquetTable
from codegen.print_packages.formats.row_files import RowFile
from codegen.print_packages.templates import Column, Source, Template
from tests.codegen.print_packages.formats.composed import CIPHER, listed, written

COLUMNS = (
    *templates.columns(Source.ROW, Source.URL, Source.SERIAL, Source.SERIAL_GROUPS, Source.HRI, Source.GTIN, Source.LOT),
    Column(source=Source.FIXED, heading="厂", text="茶 1"),
    Column(source=Source.PARENT_SERIAL, heading=""),
)
TEMPLATE = Template(name="t", columns=COLUMNS)


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_tables, "ROWS_PER_GROUP", 64)
    monkeypatch.setattr(parquet_tables, "GROUPS_PER_STEP", 2)


def table() -> ParquetTable:
    return ParquetTable(listed(500), template=TEMPLATE, cipher=CIPHER)


def test_a_table_has_the_rows_of_the_lines() -> None:
    file = pq.ParquetFile(io.BytesIO(written(table)))
    assert file.metadata.num_row_groups == 8
    found = file.read()
    assert found.schema.field("row").type == pa.int64()
    lines = written(lambda: RowFile(listed(500), template=TEMPLATE, cipher=CIPHER)).decode()
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert [{**row, "row": int(row["row"]), "parent_serial": row[""]} for row in rows] == [
        {**row, "": row["parent_serial"]} for row in found.to_pylist()
    ]


def test_another_worker_after_each_step_writes_the_same_bytes() -> None:
    assert written(table, at_once=False) == written(table)


def test_a_listener_who_goes_away_in_the_middle_of_a_step_does_no_harm() -> None:
    whole, composer = written(table), table()
    pieces = composer.body(0, 128, offset=0)
    next(pieces)
    del pieces
    again = b"".join(piece.content for piece in composer.body(0, 128, offset=0))
    assert whole.startswith(again)
    assert written(lambda: composer) == whole


def test_a_file_that_another_version_wrote_is_not_gone_on_with() -> None:
    with pytest.raises(ValueError, match="bytes where 12 were written before"):
        list(table().body(128, 128, offset=12))
