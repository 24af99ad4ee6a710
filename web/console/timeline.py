"""One line of time for a consumer: scans, claims, points, consents, the joining. Pure.

Promises: newest first; a claim and the points it earned are one event, as they were one act; what is cut off is the oldest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from campaigns.claims import Claimed
from crm.consents import Answer
from crm.transfers import Transfer
from scanservice.queries import ScanLine


class Happening(StrEnum):
    JOINED = "joined"
    CONSENT = "consent"
    POINTS = "points"
    CLAIM = "claim"
    SCAN = "scan"


# Of two events in one instant the one that follows from the other stands above it.
_ORDER = {
    Happening.SCAN: 0,
    Happening.JOINED: 1,
    Happening.CONSENT: 2,
    Happening.CLAIM: 3,
    Happening.POINTS: 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`about` tells by its type what there is to show; the joining has nothing but its instant."""

    at: datetime
    happening: Happening
    about: ScanLine | Claimed | Transfer | Answer | None


def merge(
    *,
    scans: Iterable[ScanLine],
    claims: Iterable[Claimed],
    movements: Iterable[Transfer],
    answers: Iterable[Answer],
    joined_at: datetime,
    events_max: int,
) -> list[Event]:
    claimed = list(claims)
    of_claims = {claim.transfer_id for claim in claimed}
    events = [
        Event(at=joined_at, happening=Happening.JOINED, about=None),
        *(Event(at=scan.scanned_at, happening=Happening.SCAN, about=scan) for scan in scans),
        *(Event(at=claim.claimed_at, happening=Happening.CLAIM, about=claim) for claim in claimed),
        *(
            Event(at=movement.recorded_at, happening=Happening.POINTS, about=movement)
            for movement in movements
            if movement.id not in of_claims
        ),
        *(Event(at=answer.given_at, happening=Happening.CONSENT, about=answer) for answer in answers),
    ]
    events.sort(key=lambda event: (event.at, _ORDER[event.happening]), reverse=True)
    return events[:events_max]
