"""What all symbols of an order share: segments, error correction level and version of a QR code (ISO/IEC 18004:2015).

Promises: `fitted` finds the smallest version that holds every text of the form, so no symbol of an order is smaller than another.
Refuses texts that no version holds. Pure.

A form knows the characters that never change and how many do. Alphanumeric mode takes 5.5 bits a character but has no small letters; what
needs them (a signature behind `?s=`) becomes a second segment in byte mode, so that the rest stays small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from qrcode.util import ALPHA_NUM, BIT_LIMIT_TABLE, MODE_8BIT_BYTE, MODE_ALPHA_NUM, mode_sizes_for_version

from codegen.symbology.symbol_limits import VERSION_MAX, VERSION_MIN, Level
from kit.refusals import Invalid

MASKS = 8
_MODE_BITS = 4
_PAIR_BITS = 11
_SINGLE_BITS = 6
_BYTE_BITS = 8


class SymbolTooLong(Invalid):
    code = "symbol_too_long"
    says = "No QR code holds {bits} bits at error correction level {level}."


class Mode(StrEnum):
    ALPHANUMERIC = "alphanumeric"
    BYTE = "byte"

    @property
    def indicator(self) -> int:
        return int(MODE_ALPHA_NUM if self is Mode.ALPHANUMERIC else MODE_8BIT_BYTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Characters in one mode: `fixed` ones, then `variable` many that differ from symbol to symbol."""

    mode: Mode
    fixed: bytes
    variable: int

    @property
    def length(self) -> int:
        return len(self.fixed) + self.variable

    @property
    def payload_bits(self) -> int:
        if self.mode is Mode.BYTE:
            return _BYTE_BITS * self.length
        return _PAIR_BITS * (self.length // 2) + _SINGLE_BITS * (self.length % 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolForm:
    """One size and layout for all symbols of an order."""

    version: int
    level: Level
    segments: tuple[Segment, ...]

    @property
    def modules(self) -> int:
        """Modules a side, without the quiet zone."""
        return 4 * self.version + 17

    @property
    def variable(self) -> int:
        """How many characters differ from symbol to symbol, over all segments."""
        return sum(segment.variable for segment in self.segments)


def segment(fixed: str, *, variable: int, mode: Mode | None = None) -> Segment:
    """A segment in the densest mode that can hold the fixed part; what varies must then keep to that mode's characters."""
    raw = fixed.encode()
    densest = Mode.ALPHANUMERIC if is_alphanumeric(raw) else Mode.BYTE
    if mode is Mode.ALPHANUMERIC and densest is Mode.BYTE:
        raise ValueError(f"{fixed!r} has characters that alphanumeric mode lacks")
    return Segment(mode=mode or densest, fixed=raw, variable=variable)


def fitted(segments: Sequence[Segment], *, level: Level, version_min: int = VERSION_MIN) -> SymbolForm:
    """The form with the smallest version, but none below `version_min`, that holds these segments."""
    for version in range(version_min, VERSION_MAX + 1):
        if bits_needed(segments, version=version) <= BIT_LIMIT_TABLE[level.constant][version]:
            return SymbolForm(version=version, level=level, segments=tuple(segments))
    raise SymbolTooLong(bits=bits_needed(segments, version=VERSION_MAX), level=level.value)


def bits_needed(segments: Sequence[Segment], *, version: int) -> int:
    """Mode, length and characters; the end marker may be cut short and needs none."""
    counts = mode_sizes_for_version(version)
    return sum(_MODE_BITS + int(counts[one.mode.indicator]) + one.payload_bits for one in segments)


def is_alphanumeric(raw: bytes) -> bool:
    return not raw.strip(ALPHA_NUM) or all(byte in ALPHA_NUM for byte in raw)
