"""Label templates: the page, the label on it, and what stands where on the label: symbol, texts bound to columns, a logo, border, cutting marks.

Promises: lengths are millimetres with at most two decimals, counted from the upper left corner; what was written down (`as_plain`) is the whole
template, and what is read (`from_plain`) holds nothing unknown. Whether parts fit together is the business of `fitting`. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Self, TypeVar

from kit.refusals import Invalid

T = TypeVar("T", bound=StrEnum)

NAME_LENGTH_MAX = 60
TEXTS_MAX = 12
TEXT_LENGTH_MAX = 120
PAGE_MM_MAX = Decimal(1500)
LABEL_MM_MIN = Decimal(5)
LABEL_MM_MAX = Decimal(1000)
ACROSS_MAX = 100  # columns, or rows
LINES_MAX = 4
SIZE_PT_MIN = Decimal(3)
SIZE_PT_MAX = Decimal(200)
_HUNDREDTH = Decimal("0.01")
_LOGO_ID_LENGTH = 64


class LabelMalformed(Invalid):
    code = "label_malformed"
    says = "The setting {part} of a label template cannot be {value}: {why}."


class Paper(StrEnum):
    """A roll has one label on a page, which is as large as the label."""

    SHEET = "sheet"
    ROLL = "roll"


class Shape(StrEnum):
    RECTANGLE = "rectangle"
    ROUND = "round"  # the circle, or ellipse, that the label's box holds


class Align(StrEnum):
    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


class Source(StrEnum):
    """Where a text comes from. Those of the row differ from label to label."""

    PRODUCT = "product"
    GTIN = "gtin"
    LOT = "lot"
    KIND = "kind"
    FIXED = "fixed"
    SERIAL = "serial"
    SERIAL_GROUPS = "serial_groups"  # five groups of four, for eyes
    HRI = "hri"  # (01)GTIN(21)SERIAL
    ROW = "row"

    @property
    def of_row(self) -> bool:
        return self in {Source.SERIAL, Source.SERIAL_GROUPS, Source.HRI, Source.ROW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`rows` and `columns` of labels, the first one `left_mm` and `top_mm` from the page's corner, `gap_*` between neighbours."""

    paper: Paper = Paper.SHEET
    width_mm: Decimal = Decimal(210)
    height_mm: Decimal = Decimal(297)
    left_mm: Decimal = Decimal(0)
    top_mm: Decimal = Decimal(0)
    columns: int = 1
    rows: int = 1
    gap_across_mm: Decimal = Decimal(0)
    gap_down_mm: Decimal = Decimal(0)

    @property
    def labels(self) -> int:
        return self.columns * self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolPlace:
    """A square that holds symbol and quiet zone; modules are as large as whole dots of the printer let them be in it."""

    x_mm: Decimal
    y_mm: Decimal
    side_mm: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TextField:
    """`words` stand before what the source says, or are all of it where the text is fixed. What all labels say alike may take several lines."""

    source: Source
    x_mm: Decimal
    y_mm: Decimal
    width_mm: Decimal
    size_pt: Decimal = Decimal(7)
    align: Align = Align.LEFT
    bold: bool = False
    lines: int = 1
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoPlace:
    """A box in which the logo is as large as its proportions let it be. `logo` is the name that `logos` gave."""

    logo: str
    x_mm: Decimal
    y_mm: Decimal
    width_mm: Decimal
    height_mm: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTemplate:
    name: str
    page: Page
    width_mm: Decimal
    height_mm: Decimal
    symbol: SymbolPlace
    texts: tuple[TextField, ...] = ()
    logo: LogoPlace | None = None
    shape: Shape = Shape.RECTANGLE
    border: bool = False
    cutting_marks: bool = False

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `as_plain` gave, or somebody wrote by hand; what may be left out is as usual."""
        known = _known(plain, cls, part="template")
        texts = plain.get("texts", [])
        if not isinstance(texts, Sequence) or isinstance(texts, str) or not all(isinstance(one, Mapping) for one in texts):
            raise LabelMalformed(part="texts", value=texts, why="they are a list of objects")
        logo = plain.get("logo")
        return cls(
            **{
                **known,
                "page": _read(Page, plain.get("page"), part="page"),
                "symbol": _read(SymbolPlace, plain.get("symbol"), part="symbol"),
                "texts": tuple(_read(TextField, one, part=f"text {number}") for number, one in enumerate(texts, start=1)),
                "logo": None if logo is None else _read(LogoPlace, logo, part="logo"),
            }
        )

    def as_plain(self) -> dict[str, Any]:
        return {
            **{one.name: _plain(getattr(self, one.name)) for one in fields(self)},
            "texts": [_plain(one) for one in self.texts],
        }


def millimetres(value: object, *, part: str) -> Decimal:
    """A length as somebody typed it."""
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise LabelMalformed(part=part, value=value, why="it is a number") from error
    if not found.is_finite() or abs(found) > PAGE_MM_MAX or found != found.quantize(_HUNDREDTH):
        raise LabelMalformed(part=part, value=value, why=f"it is a number up to {PAGE_MM_MAX}, with at most two decimals")
    return found.quantize(_HUNDREDTH).normalize() + 0


def _check(template: LabelTemplate) -> None:
    name = template.name
    if name != name.strip() or not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise LabelMalformed(part="name", value=repr(name), why=f"it has 1 to {NAME_LENGTH_MAX} printable characters")
    page = template.page
    for part, value, least, most in (
        ("page width", page.width_mm, LABEL_MM_MIN, PAGE_MM_MAX),
        ("page height", page.height_mm, LABEL_MM_MIN, PAGE_MM_MAX),
        ("left margin", page.left_mm, Decimal(0), PAGE_MM_MAX),
        ("top margin", page.top_mm, Decimal(0), PAGE_MM_MAX),
        ("gap between columns", page.gap_across_mm, Decimal(0), PAGE_MM_MAX),
        ("gap between rows", page.gap_down_mm, Decimal(0), PAGE_MM_MAX),
        ("columns", Decimal(page.columns), Decimal(1), Decimal(ACROSS_MAX)),
        ("rows", Decimal(page.rows), Decimal(1), Decimal(ACROSS_MAX)),
        ("label width", template.width_mm, LABEL_MM_MIN, LABEL_MM_MAX),
        ("label height", template.height_mm, LABEL_MM_MIN, LABEL_MM_MAX),
        ("symbol size", template.symbol.side_mm, Decimal(1), LABEL_MM_MAX),
    ):
        if not least <= value <= most:
            raise LabelMalformed(part=part, value=value, why=f"it is {least} to {most}")
    if len(template.texts) > TEXTS_MAX:
        raise LabelMalformed(part="texts", value=len(template.texts), why=f"there are at most {TEXTS_MAX}")
    for number, text in enumerate(template.texts, start=1):
        _check_text(text, part=f"text {number}")
    logo = template.logo
    if logo is not None:
        if len(logo.logo) != _LOGO_ID_LENGTH or not set(logo.logo) <= set("0123456789abcdef"):
            raise LabelMalformed(part="logo", value=repr(logo.logo), why="it is none that was uploaded")
        if min(logo.width_mm, logo.height_mm) < 1:
            raise LabelMalformed(part="logo size", value=min(logo.width_mm, logo.height_mm), why="it is at least 1")


def _check_text(text: TextField, *, part: str) -> None:
    if not SIZE_PT_MIN <= text.size_pt <= SIZE_PT_MAX:
        raise LabelMalformed(part=f"size of {part}", value=text.size_pt, why=f"it is {SIZE_PT_MIN} to {SIZE_PT_MAX}")
    if text.width_mm < 1:
        raise LabelMalformed(part=f"width of {part}", value=text.width_mm, why="it is at least 1")
    lines_max = 1 if text.source.of_row else LINES_MAX
    if not 1 <= text.lines <= lines_max:
        raise LabelMalformed(part=f"lines of {part}", value=text.lines, why=f"there are 1 to {lines_max}")
    if len(text.words) > TEXT_LENGTH_MAX or not text.words.isprintable():
        raise LabelMalformed(part=part, value=repr(text.words), why=f"it has at most {TEXT_LENGTH_MAX} printable characters")
    if text.source is Source.FIXED and not text.words.strip():
        raise LabelMalformed(part=part, value="empty", why="a fixed text says something")


_ENUMS: dict[str, Callable[[str], StrEnum]] = {"paper": Paper, "shape": Shape, "align": Align, "source": Source}


def _read(kind: type[Any], plain: object, *, part: str) -> Any:
    if not isinstance(plain, Mapping):
        raise LabelMalformed(part=part, value=plain, why="it is an object")
    return kind(**_known(plain, kind, part=part))


def _known(plain: Mapping[str, Any], kind: type[Any], *, part: str) -> dict[str, Any]:
    """The values by the names of the class, each of the type that its name calls for."""
    names = {one.name: one for one in fields(kind)}
    unknown = sorted(str(key) for key in plain if key not in names)
    if unknown:
        raise LabelMalformed(part=f"{unknown[0]} of {part}", value="set", why="there is no such setting")
    found = {}
    for name, value in plain.items():
        if name in {"page", "symbol", "texts", "logo"} and not isinstance(value, str):
            continue
        found[name] = _value(name, value, part=f"{name} of {part}")
    missing = [name for name in _NEEDED.get(kind.__name__, ()) if name not in plain]
    if missing:
        raise LabelMalformed(part=f"{missing[0]} of {part}", value="left out", why="it has to be there")
    return found


_NEEDED = {
    "LabelTemplate": ("name", "page", "width_mm", "height_mm", "symbol"),
    "SymbolPlace": ("x_mm", "y_mm", "side_mm"),
    "TextField": ("source", "x_mm", "y_mm", "width_mm"),
    "LogoPlace": ("logo", "x_mm", "y_mm", "width_mm", "height_mm"),
}


def _value(name: str, value: object, *, part: str) -> object:
    if name.endswith(("_mm", "_pt")):
        return millimetres(value, part=part)
    if name in {"columns", "rows", "lines"}:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise LabelMalformed(part=part, value=value, why="it is a whole number")
    if name in {"bold", "border", "cutting_marks"}:
        if isinstance(value, bool):
            return value
        raise LabelMalformed(part=part, value=value, why="it is true or false")
    if not isinstance(value, str):
        raise LabelMalformed(part=part, value=value, why="it is a text")
    if name not in _ENUMS:
        return value
    try:
        return _ENUMS[name](value)
    except ValueError as error:
        raise LabelMalformed(part=part, value=repr(value), why="it is none that is known") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize() + 0:f}"
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Page | SymbolPlace | TextField | LogoPlace):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return value
