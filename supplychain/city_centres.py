"""The middles of China's cities by name, from a file beside this module: for whoever needs no more of the map than that.

Promises: what supplychain.geography finds from its polygons, to a ten-thousandth of a degree, without loading them or what reads them: a start
of the edge would wait a quarter of a second. A test compares both; `tools/city-centres` writes the file anew. Source: as there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = Path(__file__).with_suffix(".json")
DIGITS: Final = 4

Centres = dict[str, tuple[float, float]]


def read() -> Centres:
    """Latitude and longitude in degrees."""
    return msgspec.json.decode(FILE.read_bytes(), type=Centres)


def rounded(centres: Mapping[str, tuple[float, float]]) -> Centres:
    return {name: (round(latitude, DIGITS), round(longitude, DIGITS)) for name, (latitude, longitude) in sorted(centres.items())}


def write(centres: Mapping[str, tuple[float, float]]) -> None:
    """One city a line."""
    lines = [msgspec.json.encode(name) + b": " + msgspec.json.encode(middle) for name, middle in rounded(centres).items()]
    FILE.write_bytes(b"{\n" + b",\n".join(lines) + b"\n}\n")
