"""Steps of a few rows, so that a small package of any kind is written in many of them."""

from typing import Protocol

from codegen.labels.pdf import sheets
from codegen.print_packages.file_designs import Format
from codegen.print_packages.formats import parquet_tables, picture_zips, row_files
from codegen.print_packages.formats.zpl_labels import ZplLabels

LINES = 2000
FEW = 48  # two sheets of labels
CODES = {kind: 10 * (LINES if kind is Format.ROWS else FEW) for kind in Format}


class Setting(Protocol):
    def __call__(self, target: object, name: str, value: object, /) -> None: ...


def take(set_attribute: Setting = setattr) -> None:
    """In this process from now on, or as long as a monkeypatch lasts."""
    set_attribute(row_files, "ROWS_PER_STEP", LINES)
    set_attribute(parquet_tables, "ROWS_PER_GROUP", FEW)
    set_attribute(parquet_tables, "GROUPS_PER_STEP", 1)
    set_attribute(picture_zips, "ROWS_PER_STEP", FEW)
    set_attribute(ZplLabels, "rows_per_step", FEW)
    set_attribute(sheets, "ROWS_PER_STEP", FEW)
