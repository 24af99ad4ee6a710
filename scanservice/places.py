"""Places as the hot state knows them: cells of one degree, in two bytes, 0 where nothing is known.

A cell is all that judging needs: whether two phones can have been at the same table, or could not have reached each other. It is
coarse on purpose: the state of a code says in which region it was scanned, never where somebody lives. Pure.
"""

from functools import lru_cache
from math import asin, cos, floor, radians, sin, sqrt
from typing import Final

UNKNOWN: Final = bytes(2)
_COLUMNS: Final = 360
_ROWS: Final = 180
EARTH_RADIUS_KM: Final = 6371.0
# Half the diagonal of a cell at the equator: a centre stands for every point within.
CELL_RADIUS_KM: Final = 79.0
# Where an address is registered and where its phone is: most lie within; carriers route some phones through the province's capital.
ADDRESS_RADIUS_KM: Final = 150.0
PAIRS_KEPT: Final = 1 << 14


def cell(latitude: float, longitude: float) -> bytes:
    """The cell of a position in degrees."""
    row = min(_ROWS - 1, max(0, floor(latitude + 90)))
    column = floor(longitude + 180) % _COLUMNS
    return (1 + row * _COLUMNS + column).to_bytes(2, "big")


def centre(place: bytes) -> tuple[float, float] | None:
    """Latitude and longitude of the middle of a cell; None for the unknown place and for bytes that are no cell."""
    number = int.from_bytes(place, "big") - 1
    if not 0 <= number < _ROWS * _COLUMNS:
        return None
    row, column = divmod(number, _COLUMNS)
    return row - 89.5, column - 179.5


@lru_cache(maxsize=PAIRS_KEPT)
def apart_km(one: bytes, other: bytes) -> float | None:
    """At least so far are two phones apart, whatever corner of their cells they stood in and however their addresses mislead.

    None where one of the places is unknown.
    """
    here, there = centre(one), centre(other)
    if here is None or there is None:
        return None
    if one == other:
        return 0.0
    return max(0.0, _great_circle_km(here, there) - 2 * (CELL_RADIUS_KM + ADDRESS_RADIUS_KM))


def _great_circle_km(here: tuple[float, float], there: tuple[float, float]) -> float:
    """The haversine formula on a sphere."""
    latitude, longitude = radians(here[0]), radians(here[1])
    latitude2, longitude2 = radians(there[0]), radians(there[1])
    half = sin((latitude2 - latitude) / 2) ** 2 + cos(latitude) * cos(latitude2) * sin((longitude2 - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))
