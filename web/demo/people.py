"""Who buys in the demo: households in a district, behind one network, each with one to three people and their phones.

Addresses are IPv6 of the documentation range (RFC 3849), one /56 for each household: nobody real is behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random  # noqa: TID251 - the type alone; kit.chance makes them
from typing import Final

from web.demo import places
from web.demo.places import City

_SIZES: Final = ((1, 45), (2, 35), (3, 20))
SHARES_POSITION: Final = 0.55
# How often each browser is seen, and what it says of itself.
BROWSERS: Final = (
    (
        46,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.53",
    ),
    (
        30,
        "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/122.0 Mobile Safari/537.36 MicroMessenger/8.0.51",
    ),
    (
        8,
        "Mozilla/5.0 (Linux; U; Android 13; PGT-AN00) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/105.0 Mobile Safari/537.36 AlipayClient/10.6",
    ),
    (
        7,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
    ),
    (5, "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36"),
    (
        2,
        "Mozilla/5.0 (Linux; Android 13; SM-S9180) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/537.36",
    ),
    (2, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 QQ/9.0"),
)
PREVIEW: Final = "WeChat-Link-Preview"
PREVIEW_IP: Final = "2001:db8:ffff::1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`number` is unique in the demo; `at_home` is the place in the household."""

    number: int
    household: int
    at_home: int
    district: str
    browser: str
    shares_position: bool

    @property
    def visitor_id(self) -> str:
        return f"demo-{self.number:06d}"

    @property
    def ip(self) -> str:
        """Within the household's /56."""
        return f"2001:db8:{self.household >> 8:x}:{(self.household & 0xFF) << 8:x}::{self.at_home + 1:x}"


Household = tuple[Person, ...]


class Town:
    """Makes people as they are needed, each household with numbers of its own."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._people = 0
        self._households = 0

    def household(self, cities: Sequence[City]) -> Household:
        size = self._chance.choices([size for size, _ in _SIZES], weights=[weight for _, weight in _SIZES])[0]
        district = places.district(cities, self._chance)
        self._households += 1
        return tuple(self._person(district, at_home) for at_home in range(size))

    def households(self, cities: Sequence[City], count: int) -> list[Household]:
        return [self.household(cities) for _ in range(count)]

    def stranger(self, cities: Sequence[City]) -> Person:
        """Somebody who is met once."""
        return self.household(cities)[0]

    def _person(self, district: str, at_home: int) -> Person:
        self._people += 1
        browser = self._chance.choices([words for _, words in BROWSERS], weights=[weight for weight, _ in BROWSERS])[0]
        return Person(
            number=self._people,
            household=self._households,
            at_home=at_home,
            district=district,
            browser=browser,
            shares_position=self._chance.random() < SHARES_POSITION,
        )
