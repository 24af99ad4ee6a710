"""The story's scans as a file of another platform, in the form that `onemark import scans` reads.

Promises: the same story over the same serials gives the same bytes, so that importing it again adds nothing. Addresses name a host of
their own, because the brand's scan origin may change between two runs and a scan's identity must not.
"""

import csv
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from random import Random  # noqa: TID251 - the type alone; kit.chance makes them
from typing import Final

from codegen import cipher, digital_link
from codegen.cipher import Serials
from codegen.gtin import Gtin
from codegen.kinds import Profile
from web.demo import places
from web.demo.story import Story, Told
from web.imports.past_scans import HEADER

ORIGIN: Final = "HTTPS://DEMO.EXAMPLE"
ACCURACIES_M: Final = (8, 12, 15, 20, 30, 35, 50, 65, 100, 150)
# Behind the first character, which names the key epoch.
_ALTERED_FROM: Final = 3


def write(story: Story, serials: Sequence[Serials], path: Path, *, chance: Random) -> int:
    """`serials` of each lot in the order of the rows. Returns how many scans were written."""
    located = [place for place, told in enumerate(story.scans) if told.district]
    points = places.positions([story.scans[place].district for place in located], chance)
    at = dict(zip(located, points, strict=True))
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        for place, told in enumerate(story.scans):
            position = (*at[place], chance.choice(ACCURACIES_M)) if place in at else ("", "", "")
            time = told.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            writer.writerow((time, _url(story, serials, told), told.visitor_id, told.ip, *position, told.browser))
    return len(story.scans)


def altered(serial: str, number: int) -> str:
    """The serial with one character changed: which one, `number` says."""
    place = _ALTERED_FROM + number % (len(serial) - _ALTERED_FROM)
    following = cipher.ALPHABET[(cipher.ALPHABET.index(serial[place]) + 1) % len(cipher.ALPHABET)]
    return serial[:place] + following + serial[place + 1 :]


def _url(story: Story, serials: Sequence[Serials], told: Told) -> str:
    serial = bytes(serials[told.lot][told.row - 1]).decode("ascii")
    if told.altered:
        serial = altered(serial, told.altered)
    return digital_link.build(ORIGIN, Gtin(story.lots[told.lot].gtin), serial, Profile.GS1)
