"""Steps of a few rows, so that a small package is written in many of them."""

from typing import Protocol

from codegen.labels.pdf import sheets
from codegen.print_packages.formats import row_files

LINES = 2000
LABELS = 48


class Setting(Protocol):
    def __call__(self, target: object, name: str, value: object, /) -> None: ...


def take(set_attribute: Setting = setattr) -> None:
    """In this process from now on, or as long as a monkeypatch lasts."""
    set_attribute(row_files, "ROWS_PER_STEP", LINES)
    set_attribute(sheets, "ROWS_PER_STEP", LABELS)
