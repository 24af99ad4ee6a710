"""What the texts of a label say: what all labels of an order share, and what is each one's own.

Promises: every source has its words, in the spelling that files have too. Pure.
"""

from dataclasses import dataclass

from codegen.cipher import SERIAL_LENGTH
from codegen.labels.templates import Source, TextField
from codegen.symbols import readable_serial

SERIAL_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelWords:
    """`gtin` is empty on blank labels; `kind` is what the label is for, in the brand's words."""

    product: str
    gtin: str
    lot: str
    kind: str = ""

    def said(self, text: TextField, *, serial: str, row: int, rows: int) -> str:
        """`row` counts from 1 and is written with as many digits as `rows` has."""
        return text.words + self._source(text.source, serial=serial, row=str(row).zfill(len(str(rows))))

    def widest(self, text: TextField, *, rows: int) -> list[str]:
        """Texts of which one is as wide as any that the field will say."""
        if not text.source.of_row:
            return [self.said(text, serial="", row=1, rows=rows)]
        if text.source is Source.ROW:
            return [text.words + digit * len(str(rows)) for digit in "0123456789"]
        return [self.said(text, serial=letter * SERIAL_LENGTH, row=1, rows=rows) for letter in SERIAL_LETTERS]

    def _source(self, source: Source, *, serial: str, row: str) -> str:
        return {
            Source.PRODUCT: self.product,
            Source.GTIN: self.gtin,
            Source.LOT: self.lot,
            Source.KIND: self.kind,
            Source.FIXED: "",
            Source.SERIAL: serial,
            Source.SERIAL_GROUPS: readable_serial(serial),
            Source.HRI: f"(01){self.gtin}(21){serial}" if self.gtin else f"(21){serial}",
            Source.ROW: row,
        }[source]
