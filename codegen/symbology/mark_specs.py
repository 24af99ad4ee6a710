"""How the codes of an order are marked: symbology, error correction, size of a module, printer, and the line that people read.

Promises: a specification survives being written down (`as_plain`, `from_plain`); what it holds was checked. Lengths are decimal fractions of a
millimetre, so that what somebody typed is what is stored. Refuses versions, modules, resolutions and quiet zones that nothing prints. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Self, TypeVar

from codegen.gtin import Gtin
from codegen.symbology.symbol_limits import QUIET_ZONE_MAX, VERSION_MAX, VERSION_MIN, Level
from kit.refusals import Conflict, Invalid

MODULE_MM_MIN = Decimal("0.05")
MODULE_MM_MAX = Decimal(50)
DPI_MIN = 72
DPI_MAX = 5080  # an imagesetter
QUIET_QR = 4  # ISO/IEC 18004:2015 section 9.1
QUIET_DATA_MATRIX = 1  # ISO/IEC 16022:2006 section 7.2

T = TypeVar("T", bound=StrEnum)


class Symbology(StrEnum):
    """`gs1_datamatrix` holds GTIN and serial as GS1 elements, for machines; a phone's camera opens the address in a `qr`."""

    QR = "qr"
    GS1_DATAMATRIX = "gs1_datamatrix"


class Masking(StrEnum):
    """Masks are compared by the penalty of ISO/IEC 18004; what is best for a sample of an order costs nothing while drawing."""

    ORDER = "order"
    SYMBOL = "symbol"


class ReadableLine(StrEnum):
    """What stands under a symbol for people to type."""

    NONE = "none"
    SERIAL = "serial"
    SERIAL_GROUPS = "serial_groups"


class MarkMalformed(Invalid):
    code = "mark_malformed"
    says = "The {part} of a mark cannot be {value}: {why}."


class MarkWithoutGtin(Conflict):
    code = "mark_without_gtin"
    says = "A GS1 DataMatrix names the product, and these codes are blank. Mark them with QR codes."


class MarkSigned(Conflict):
    code = "mark_signed"
    says = "A GS1 DataMatrix has no room for the public signature. Mark these codes with QR codes."


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSpec:
    """`version` is the least one; None: the smallest that fits. `quiet_modules` None: what the standard asks for. GS1 DataMatrix has neither
    level nor version nor mask of its own, and takes no notice of ours.
    """

    symbology: Symbology = Symbology.QR
    level: Level = Level.M
    version: int | None = None
    mask: Masking = Masking.ORDER
    quiet_modules: int | None = None
    module_mm: Decimal = Decimal("0.5")
    dpi: int = 600
    text: ReadableLine = ReadableLine.SERIAL_GROUPS

    def __post_init__(self) -> None:
        _check(self)

    @property
    def quiet(self) -> int:
        """The quiet zone in modules."""
        if self.quiet_modules is not None:
            return self.quiet_modules
        return QUIET_QR if self.symbology is Symbology.QR else QUIET_DATA_MATRIX

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `as_plain` gave, or somebody wrote by hand; what is left out is as usual."""
        unknown = set(plain) - set(cls.__dataclass_fields__)
        if unknown:
            raise MarkMalformed(part=min(map(str, unknown)), value="set", why="there is no such setting")
        usual = cls()
        return cls(
            symbology=_one_of(Symbology, plain.get("symbology", usual.symbology), part="symbology"),
            level=_one_of(Level, plain.get("level", usual.level), part="level"),
            version=_whole(plain.get("version"), part="version"),
            mask=_one_of(Masking, plain.get("mask", usual.mask), part="mask"),
            quiet_modules=_whole(plain.get("quiet_modules"), part="quiet_modules"),
            module_mm=_decimal(plain.get("module_mm", usual.module_mm), part="module_mm"),
            dpi=_whole(plain.get("dpi"), part="dpi") or usual.dpi,
            text=_one_of(ReadableLine, plain.get("text", usual.text), part="text"),
        )

    def as_plain(self) -> dict[str, Any]:
        return {
            "symbology": self.symbology.value,
            "level": self.level.value,
            "version": self.version,
            "mask": self.mask.value,
            "quiet_modules": self.quiet_modules,
            "module_mm": f"{self.module_mm.normalize():f}",
            "dpi": self.dpi,
            "text": self.text.value,
        }


def check(spec: MarkSpec, *, gtin: Gtin, signed: bool) -> None:
    """Can these codes be marked so?"""
    if spec.symbology is Symbology.GS1_DATAMATRIX:
        if not gtin:
            raise MarkWithoutGtin
        if signed:
            raise MarkSigned


def _check(spec: MarkSpec) -> None:
    for part, value, least, most in (
        ("version", spec.version, VERSION_MIN, VERSION_MAX),
        ("quiet_modules", spec.quiet_modules, 0, QUIET_ZONE_MAX),
        ("module_mm", spec.module_mm, MODULE_MM_MIN, MODULE_MM_MAX),
        ("dpi", spec.dpi, DPI_MIN, DPI_MAX),
    ):
        if value is not None and not least <= value <= most:
            raise MarkMalformed(part=part, value=value, why=f"it is {least} to {most}")


def _one_of(kind: type[T], value: object, *, part: str) -> T:
    try:
        return kind(str(value))
    except ValueError as error:
        raise MarkMalformed(part=part, value=value, why=f"it is one of {', '.join(kind)}") from error


def _whole(value: object, *, part: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise MarkMalformed(part=part, value=value, why="it is a whole number")


def _decimal(value: object, *, part: str) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise MarkMalformed(part=part, value=value, why="it is a number") from error
    if not found.is_finite():
        raise MarkMalformed(part=part, value=value, why="it is a number")
    return found
