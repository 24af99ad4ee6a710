"""What kind of file a package is, and what it looks like: asked for once, written down with the package, and never changed.

Promises: a design survives being written down; what it names was checked. PINs travel as lines alone. Refuses parts that are larger than
their kind of file bears. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from codegen.labels.pdf.sheets import CODES_MAX as SHEETS_CODES_MAX
from codegen.labels.templates import LabelTemplate
from codegen.print_packages import templates
from codegen.print_packages.templates import Content, Template
from kit.refusals import Invalid

LABEL_MM_MIN = Decimal(5)
LABEL_MM_MAX = Decimal(1000)


class Format(StrEnum):
    ROWS = "rows"  # CSV, TSV or TXT, by the template
    PARQUET = "parquet"
    PNG_ZIP = "png-zip"
    SVG_ZIP = "svg-zip"
    ZPL = "zpl"
    PDF = "pdf"  # sheets of labels


class DesignMalformed(Invalid):
    code = "design_malformed"
    says = "The {part} of a package cannot be used: {why}."


class PartTooLarge(Invalid):
    code = "part_too_large"
    says = "A part of this kind of file has at most {codes_max} codes, not {codes}. Split the order into parts."


# What one file bears, and a restarted worker reads again within one transaction: 13 GB of lines, 2 GB of Parquet, a few GB of pictures.
CODES_MAX: Mapping[Format, int] = {
    Format.ROWS: 100_000_000,
    Format.PARQUET: 20_000_000,
    Format.PNG_ZIP: 2_000_000,
    Format.SVG_ZIP: 1_000_000,
    Format.ZPL: 5_000_000,
    Format.PDF: SHEETS_CODES_MAX,
}
_SUFFIXES = {Format.PARQUET: "parquet", Format.PNG_ZIP: "zip", Format.SVG_ZIP: "zip", Format.ZPL: "zpl", Format.PDF: "pdf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMm:
    """The size of one label of a roll."""

    width: Decimal
    height: Decimal

    def __post_init__(self) -> None:
        if not all(LABEL_MM_MIN <= side <= LABEL_MM_MAX for side in (self.width, self.height)):
            raise DesignMalformed(part="label", why=f"its sides are {LABEL_MM_MIN} to {LABEL_MM_MAX} mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetDesign:
    """A label template as it was when the package was asked for, and what its texts call product and kind."""

    template: LabelTemplate
    product: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDesign:
    """`template` says the columns of lines and Parquet, `label` the size of ZPL labels (None: as large as the mark), `sheet` what is on a PDF."""

    format: Format = Format.ROWS
    template: Template = field(default_factory=lambda: templates.DEFAULT)
    label: LabelMm | None = None
    sheet: SheetDesign | None = None

    @property
    def suffix(self) -> str:
        return _SUFFIXES.get(self.format, self.template.suffix)

    @property
    def has_columns(self) -> bool:
        return self.format in {Format.ROWS, Format.PARQUET}

    @property
    def has_marks(self) -> bool:
        """Does it draw symbols?"""
        return not self.has_columns

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `as_plain` gave; a package of the time before there were formats has a template alone."""
        label, sheet = plain.get("label_mm"), plain.get("sheet")
        return cls(
            format=Format(plain.get("format", Format.ROWS)),
            template=Template.from_plain(plain["template"]) if "template" in plain else templates.DEFAULT,
            label=None if label is None else LabelMm(width=Decimal(label[0]), height=Decimal(label[1])),
            sheet=None if sheet is None else SheetDesign(**{**sheet, "template": LabelTemplate.from_plain(sheet["template"])}),
        )

    def as_plain(self) -> dict[str, Any]:
        """Only what this kind of file goes by."""
        plain: dict[str, Any] = {} if self.format is Format.ROWS else {"format": self.format.value}
        if self.has_columns:
            plain["template"] = self.template.as_plain()
        if self.label is not None:
            plain["label_mm"] = [str(self.label.width), str(self.label.height)]
        if self.sheet is not None:
            plain["sheet"] = {
                "template": self.sheet.template.as_plain(),
                "product": self.sheet.product,
                "kind": self.sheet.kind,
            }
        return plain

    def check(self, *, content: Content, codes: int) -> None:
        if codes > CODES_MAX[self.format]:
            raise PartTooLarge(codes=codes, codes_max=CODES_MAX[self.format])
        if content is Content.PINS and self.format is not Format.ROWS:
            raise DesignMalformed(part="format", why="PINs travel as lines: CSV, TSV or TXT")
        if self.label is not None and self.format is not Format.ZPL:
            raise DesignMalformed(part="label", why="only ZPL files have labels")
        if (self.sheet is None) is (self.format is Format.PDF):
            raise DesignMalformed(part="label template", why="a PDF has one, and nothing else has")
        if self.has_columns:
            templates.check_columns(self.template, content)


LINES = FileDesign()
