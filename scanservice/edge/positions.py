"""Positions that clients send: an estimate, so an absurd one is refused rather than stored."""

from math import isfinite
from typing import ClassVar, Final

from kit.refusals import Invalid
from scanservice.edge.scanning import Position

LATITUDE_MAX: Final = 90.0
LONGITUDE_MAX: Final = 180.0
# Half the way round the earth: beyond it a radius says nothing.
ACCURACY_M_MAX: Final = 20_000_000.0


class PositionInvalid(Invalid):
    code: ClassVar[str] = "position_invalid"
    says: ClassVar[str] = (
        "A position has a latitude of -90 to 90, a longitude of -180 to 180, both or neither, and an accuracy in metres."
    )


def checked(*, latitude: float | None, longitude: float | None, accuracy_m: float | None) -> Position | None:
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None:
        raise PositionInvalid
    if not (isfinite(latitude) and abs(latitude) <= LATITUDE_MAX and isfinite(longitude) and abs(longitude) <= LONGITUDE_MAX):
        raise PositionInvalid
    if accuracy_m is not None and not (isfinite(accuracy_m) and 0 <= accuracy_m <= ACCURACY_M_MAX):
        raise PositionInvalid
    return Position(latitude=latitude, longitude=longitude, accuracy_m=accuracy_m)
