"""Templates: which columns a package file has and how a press wants them written: separator, header, quotes, line end, encoding.

Promises: all lines of a file are equally long, so that row k lies at a known byte; no cell begins like a spreadsheet formula; what stands
in a manifest or a file of one's own (`from_plain`) is the whole template. Refuses quotes left out where they are needed, and everything
that `from_plain` does not know. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, TypeVar

from kit.refusals import Invalid

T = TypeVar("T", bound=StrEnum)

COLUMNS_MAX = 32
TEXT_LENGTH_MAX = 200
_FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")  # ASVS 5.0 V1.2.10, with the full-width forms that spreadsheets read alike


class Content(StrEnum):
    """A PIN never travels with its code: packages of the two kinds have columns, parts and recipients of their own."""

    CODES = "codes"
    PINS = "pins"


class Source(StrEnum):
    """Where a column's value comes from."""

    URL = "url"
    SERIAL = "serial"
    SERIAL_GROUPS = "serial_groups"  # five groups of four, for eyes
    HRI = "hri"  # GS1 human-readable interpretation: (01)GTIN(21)SERIAL
    GTIN = "gtin"
    LOT = "lot"
    KIND = "kind"
    PARENT_SERIAL = "parent_serial"  # of the case or pallet, or of an inner code's outer one; empty where nothing holds the code
    ROW = "row"  # of the file, from 1, with leading zeros
    PIN = "pin"  # in packages of PINs alone
    FIXED = "fixed"


class Quotes(StrEnum):
    NONE = "none"
    NEEDED = "needed"
    ALL = "all"


class Encoding(StrEnum):
    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    GB18030 = "gb18030"
    UTF_16_LE = "utf-16-le"  # with its byte order mark, as Windows writes it

    @property
    def codec(self) -> str:
        return "utf-8" if self is Encoding.UTF_8_BOM else self.value

    @property
    def mark(self) -> bytes:
        return {Encoding.UTF_8_BOM: b"\xef\xbb\xbf", Encoding.UTF_16_LE: b"\xff\xfe"}.get(self, b"")


SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}


class TemplateMalformed(Invalid):
    code = "template_malformed"
    says = "The template's {part} cannot be used: {why}."


class TemplateUnknown(Invalid):
    code = "template_unknown"
    says = "There is no template {name!r}. Built in: {built_in}; or name a JSON file."


class TemplateFormula(Invalid):
    code = "template_formula"
    says = "{text!r} begins like a spreadsheet formula."


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`heading` stands in the header line; `text` is the value of a fixed column."""

    source: Source
    heading: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    name: str
    columns: tuple[Column, ...]
    separator: str = "comma"
    header: bool = True
    line_end: str = "lf"
    quotes: Quotes = Quotes.NEEDED
    encoding: Encoding = Encoding.UTF_8
    suffix: str = "csv"

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `as_plain` gave, or somebody wrote by hand: columns, separator, header, line_end, quotes, encoding, suffix, name."""
        unknown = set(plain) - set(cls.__dataclass_fields__)
        if unknown:
            raise TemplateMalformed(part=min(map(str, unknown)), why="there is no such setting")
        columns = plain.get("columns")
        if not isinstance(columns, list) or not all(isinstance(one, dict) for one in columns):
            raise TemplateMalformed(part="columns", why="they have to be a list of objects")
        given = {key: value for key, value in plain.items() if key != "columns"}
        for part, value in given.items():
            if not isinstance(value, bool if part == "header" else str):
                raise TemplateMalformed(part=part, why="it is of the wrong type")
        return cls(
            **{
                **given,
                "name": given.get("name", "own"),
                "quotes": _one_of(Quotes, given.get("quotes", Quotes.NEEDED), part="quotes"),
                "encoding": _one_of(Encoding, given.get("encoding", Encoding.UTF_8), part="encoding"),
                "columns": tuple(_column(one) for one in columns),
            }
        )

    def as_plain(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": [
                {"source": one.source.value, "heading": one.heading, **({"text": one.text} if one.text else {})}
                for one in self.columns
            ],
            "separator": self.separator,
            "header": self.header,
            "line_end": self.line_end,
            "quotes": self.quotes.value,
            "encoding": self.encoding.value,
            "suffix": self.suffix,
        }

    def encoded(self, text: str) -> bytes:
        return text.encode(self.encoding.codec)

    def header_line(self) -> bytes:
        """The byte order mark and the header, where there are any."""
        if not self.header:
            return self.encoding.mark
        return self.encoding.mark + self.line([self.cell(one.heading) for one in self.columns])

    def line(self, cells: list[str]) -> bytes:
        return self.encoded(SEPARATORS[self.separator].join(cells) + LINE_ENDS[self.line_end])

    def cell(self, value: str) -> str:
        needed = '"' in value or (len(self.columns) > 1 and SEPARATORS[self.separator] in value)
        if self.quotes is Quotes.NONE and needed:
            raise TemplateMalformed(part="quotes", why=f"{value!r} cannot be told from its neighbours without them")
        if self.quotes is Quotes.ALL or needed:
            return '"' + value.replace('"', '""') + '"'
        return value


def columns(*sources: Source) -> tuple[Column, ...]:
    """Columns headed by their own names."""
    return tuple(Column(source=source, heading=source.value) for source in sources)


def built_in(name: str) -> Template:
    found = BUILT_IN.get(name)
    if found is None:
        raise TemplateUnknown(name=name, built_in=", ".join(BUILT_IN))
    return found


def check_columns(template: Template, content: Content) -> None:
    """Do these columns tell one code from another, and keep PINs apart from codes?"""
    sources = {column.source for column in template.columns}
    if content is Content.CODES and Source.PIN in sources:
        raise TemplateMalformed(part="columns", why="PINs travel in a package of their own")
    if content is Content.PINS and not {Source.PIN, Source.SERIAL} <= sources:
        raise TemplateMalformed(part="columns", why="a package of PINs has the columns serial and pin")
    if content is Content.CODES and not sources & {Source.URL, Source.SERIAL, Source.SERIAL_GROUPS, Source.HRI}:
        raise TemplateMalformed(part="columns", why="none of them tells one code from another")


def _column(plain: Mapping[str, Any]) -> Column:
    if not set(plain) <= {"source", "heading", "text"} or not all(isinstance(value, str) for value in plain.values()):
        raise TemplateMalformed(part="columns", why="each has source, heading and, where it is fixed, text")
    source = _one_of(Source, plain.get("source", ""), part="columns")
    return Column(source=source, heading=plain.get("heading", source.value), text=plain.get("text", ""))


def _one_of(kind: type[T], value: str, *, part: str) -> T:
    try:
        return kind(value)
    except ValueError as error:
        raise TemplateMalformed(part=part, why=f"{value!r} is none of {', '.join(kind)}") from error


def _check(template: Template) -> None:
    for part, value, allowed in (
        ("separator", template.separator, SEPARATORS),
        ("line_end", template.line_end, LINE_ENDS),
    ):
        if value not in allowed:
            raise TemplateMalformed(part=part, why=f"{value!r} is none of {', '.join(allowed)}")
    if not template.suffix.isascii() or not template.suffix.isalnum():
        raise TemplateMalformed(part="suffix", why="it is letters and digits")
    if not 1 <= len(template.columns) <= COLUMNS_MAX:
        raise TemplateMalformed(part="columns", why=f"there are 1 to {COLUMNS_MAX}")
    for column in template.columns:
        if column.text and column.source is not Source.FIXED:
            raise TemplateMalformed(part="columns", why="only a fixed column has a text")
        _check_text(template, column.heading)
        _check_text(template, column.text)


def _check_text(template: Template, text: str) -> None:
    if text.startswith(_FORMULA_STARTS):
        raise TemplateFormula(text=text)
    if len(text) > TEXT_LENGTH_MAX or not (text.isprintable()):
        raise TemplateMalformed(part="columns", why=f"a text has at most {TEXT_LENGTH_MAX} printable characters")
    template.encoded(template.cell(text))


_USUAL = columns(Source.URL, Source.SERIAL, Source.GTIN, Source.LOT, Source.KIND)
DEFAULT = Template(name="csv", columns=_USUAL)
PINS = Template(name="pins", columns=columns(Source.SERIAL, Source.PIN))
BUILT_IN: Mapping[str, Template] = {
    one.name: one
    for one in (
        DEFAULT,
        PINS,
        Template(name="tsv", columns=_USUAL, separator="tab", suffix="tsv"),
        Template(name="txt", columns=columns(Source.URL), header=False, line_end="crlf", suffix="txt"),
        Template(
            name="gb18030",
            columns=(
                Column(source=Source.ROW, heading="序号"),
                Column(source=Source.URL, heading="二维码"),
                Column(source=Source.SERIAL, heading="序列号"),
            ),
            line_end="crlf",
            encoding=Encoding.GB18030,
        ),
        Template(
            name="unicode",
            columns=columns(Source.ROW, Source.URL, Source.HRI),
            separator="tab",
            line_end="crlf",
            encoding=Encoding.UTF_16_LE,
            suffix="txt",
        ),
    )
}
