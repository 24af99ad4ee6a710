"""Where the demo happens: cities with the districts that people live in, and how busy each city is.

Districts are county codes of GB/T 2260, and positions lie inside their polygons, so that the demo is located as a real scan is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random  # noqa: TID251 - the type alone; kit.chance makes them
from typing import Final

import numpy as np

from supplychain import geography

# About as far as people live from the middle of their district, in degrees.
_SCATTER: Final = 0.02
_DIGITS: Final = 5


@dataclass(frozen=True, slots=True)
class City:
    weight: int
    districts: tuple[str, ...]


SHANGHAI: Final = City(10, ("310101", "310104", "310105", "310106", "310107", "310110", "310112", "310115"))
SUZHOU: Final = City(5, ("320505", "320506", "320508", "320583"))
HANGZHOU: Final = City(7, ("330102", "330105", "330106", "330108", "330109", "330110"))
NINGBO: Final = City(4, ("330203", "330206", "330212"))
WENZHOU: Final = City(2, ("330302", "330304"))
BEIJING: Final = City(9, ("110101", "110102", "110105", "110106", "110108", "110112"))
TIANJIN: Final = City(4, ("120101", "120103", "120104"))
SHIJIAZHUANG: Final = City(2, ("130102", "130104"))
GUANGZHOU: Final = City(7, ("440104", "440105", "440106", "440111", "440113"))
SHENZHEN: Final = City(8, ("440303", "440304", "440305", "440306", "440307"))
FOSHAN: Final = City(4, ("440604", "440605", "440606"))
CHENGDU: Final = City(7, ("510104", "510105", "510106", "510107", "510108"))
CHONGQING: Final = City(6, ("500103", "500105", "500106", "500112"))
WUHAN: Final = City(6, ("420102", "420103", "420106", "420111"))
CHANGSHA: Final = City(4, ("430102", "430103", "430104", "430105", "430111"))
# Nobody's territory: travellers, and people who were given something.
ELSEWHERE: Final = (
    City(4, ("610103", "610113")),
    City(4, ("320102", "320104", "320106")),
    City(3, ("410105",)),
    City(3, ("370202", "370102")),
    City(2, ("210202", "210102")),
    City(2, ("530102", "530702")),
    City(2, ("460203",)),
    City(2, ("350203", "350102")),
    City(1, ("230103",)),
    City(1, ("450305",)),
    City(1, ("620102",)),
    City(1, ("650102",)),
    City(1, ("540102",)),
)
EVERYWHERE: Final = (
    SHANGHAI,
    SUZHOU,
    HANGZHOU,
    NINGBO,
    WENZHOU,
    BEIJING,
    TIANJIN,
    SHIJIAZHUANG,
    GUANGZHOU,
    SHENZHEN,
    FOSHAN,
    CHENGDU,
    CHONGQING,
    WUHAN,
    CHANGSHA,
    *ELSEWHERE,
)


def district(cities: Sequence[City], chance: Random) -> str:
    city = chance.choices(cities, weights=[city.weight for city in cities])[0]
    return chance.choice(city.districts)


def positions(districts: Sequence[str], chance: Random) -> list[tuple[float, float]]:
    """Latitude and longitude of a point in each of these districts; what the scatter takes across a border goes to the middle."""
    middles = {code: _middle(code) for code in set(districts)}
    scattered = [
        (middles[code][0] + chance.gauss(0, _SCATTER), middles[code][1] + chance.gauss(0, _SCATTER)) for code in districts
    ]
    points = [(round(latitude, _DIGITS), round(longitude, _DIGITS)) for latitude, longitude in scattered]
    found = geography.locate_many(np.array([point[0] for point in points]), np.array([point[1] for point in points]))
    return [point if there == code else middles[code] for point, there, code in zip(points, found, districts, strict=True)]


def _middle(code: str) -> tuple[float, float]:
    point = geography.point_in(code)
    if point is None:
        raise ValueError(f"there is no district {code} on the map")
    return round(point[0], _DIGITS), round(point[1], _DIGITS)
