"""What a symbol may be: levels of error correction, versions, the width of the quiet zone.

Apart from qr_forms, which loads a library for the rest: orders name levels, and an edge that reads orders draws none. Pure.
"""

from enum import StrEnum
from typing import Final

VERSION_MIN: Final = 1
VERSION_MAX: Final = 40
QUIET_ZONE_MAX: Final = 32


class Level(StrEnum):
    """How much of a symbol may be lost: about 7, 15, 25 and 30 per cent."""

    L = "L"
    M = "M"
    Q = "Q"
    H = "H"

    @property
    def constant(self) -> int:
        """The two bits that the format information has for it (ISO/IEC 18004:2015 table 12); `qrcode` speaks of levels by them."""
        return _INDICATORS[self.value]


_INDICATORS: Final = {"L": 0b01, "M": 0b00, "Q": 0b11, "H": 0b10}
