"""Log entries become rows of the scan log, ready to travel: read, judged again from what the entry holds, and given the division they lie in.

Promises: the same `judge` as in the edge, on the state that the Redis function put beside the entry; a page and its beacon in one
batch become one row, the beacon's. Positions are looked up all at once: one at a time they took longer than everything else.
What no edge of ours can have written becomes a letter that says why, and stops nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from scanservice import evidence, verdicts
from scanservice.hot import log as scan_log
from scanservice.hot import state
from scanservice.hot.log import EntryMalformed, Known, Sighting, Visit
from scanservice.hot.state import State
from scanservice.ingest import scan_rows
from scanservice.ingest.scan_rows import Line
from scanservice.verdicts import Judgement, Reason

# No edge's clock is as wrong as this; a row of such a time would ask for a partition that nobody wants.
OLDEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
AHEAD_MAX: Final = timedelta(days=31)
# Two edges may differ by so much without anybody being told.
CLOCK_BACK_S_MAX: Final = 5
SOURCE: Final = "live"
# None, IPv4, IPv6.
ADDRESS_BYTES: Final = (0, 4, 16)
_OLDEST_MS: Final = int(OLDEST.timestamp() * 1000)
_SINCE_MS: Final = int(scan_rows.SINCE.timestamp() * 1000)

Locate = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], Iterable[str]]
"""Latitudes and longitudes to division codes, each an empty text where there is none."""


class Read(msgspec.Struct, frozen=True, gc=False):
    """An entry that can be judged: what the edge saw, and the code's state before it."""

    sighting: Sighting
    before: State | None


def read(entry: bytes, before: bytes, *, newest_ms: int) -> Read:
    """Raises EntryMalformed or StateMalformed. `newest_ms` is the latest time that we believe: see `newest_ms`."""
    sighting = scan_log.decode(entry)
    for at_ms in (sighting.at_ms, scan_log.scanned_at_ms(sighting)):
        if not _OLDEST_MS <= at_ms <= newest_ms:
            raise EntryMalformed(f"a scan {at_ms} ms after 1970")
    if len(sighting.visit.ip) not in ADDRESS_BYTES:
        raise EntryMalformed(f"an address of {len(sighting.visit.ip)} bytes")
    return Read(sighting, state.unpack(before) if before else None)


def newest_ms(now: datetime) -> int:
    return int((now + AHEAD_MAX).timestamp() * 1000)


def lines(reads: Iterable[Read], *, locate: Locate) -> list[Line]:
    """One line for each scan id, in the order in which the ids came first."""
    chosen: dict[tuple[int, int], Read] = {}
    for one in reads:
        sighting = one.sighting
        key = (sighting.known.tenant_id, sighting.scan_id.int)
        earlier = chosen.setdefault(key, one)
        if earlier is not one and sighting.visit.confirmed and not earlier.sighting.visit.confirmed:
            chosen[key] = one
    divisions = _divisions([one.sighting.visit for one in chosen.values()], locate)
    return [_line(one, division) for one, division in zip(chosen.values(), divisions, strict=True)]


def _divisions(visits: Sequence[Visit], locate: Locate) -> list[str]:
    found = [""] * len(visits)
    placed = [number for number, visit in enumerate(visits) if visit.latitude is not None]
    if placed:
        latitudes = np.array([visits[number].latitude for number in placed], dtype=np.float64)
        longitudes = np.array([visits[number].longitude for number in placed], dtype=np.float64)
        for number, division in zip(placed, locate(latitudes, longitudes), strict=True):
            found[number] = str(division)
    return found


def _line(one: Read, division: str) -> Line:
    sighting, before = one.sighting, one.before
    known, visit = sighting.known, sighting.visit
    at_s = state.seconds(sighting.at_ms // 1000)
    judgement = _judgement(known, visit, before, at_s=at_s)
    order_id = known.order_id
    return scan_rows.write(
        tenant_id=known.tenant_id,
        scan_id=sighting.scan_id.bytes,
        scanned_us=(scan_log.scanned_at_ms(sighting) - _SINCE_MS) * 1000,
        confirmed_us=(sighting.at_ms - _SINCE_MS) * 1000 if visit.confirmed else None,
        epoch=known.epoch,
        counter=sighting.counter,
        shared=scan_rows.shared(
            None if order_id is None else order_id.int,
            *(known.gtin, known.lot, sighting.serial, str(visit.role), visit.client, visit.language, SOURCE),
        ),
        verdict=judgement.verdict,
        division=division,
        reasons=judgement.reasons + _clock_marks(before, at_s=at_s) + _trace_marks(visit.trace),
        visitor=visit.visitor,
        whence=visit.whence,
        ip=visit.ip,
        latitude=visit.latitude,
        longitude=visit.longitude,
        accuracy_m=visit.accuracy_m,
    )


def _judgement(known: Known, visit: Visit, before: State | None, *, at_s: int) -> Judgement:
    judgement = verdicts.judge(
        standing=known.standing,
        standing_reason=known.standing_reason,
        before=before,
        visitor=visit.visitor[: state.VISITOR_BYTES],
        whence=visit.whence,
        role=visit.role,
        at_s=at_s,
        weights=evidence.weights(known.stranger_rate_pm, known.suspect_at_db),
    )
    return verdicts.marked(judgement, visit.url_signature, visit.marks)


def _clock_marks(before: State | None, *, at_s: int) -> tuple[Reason, ...]:
    """An edge whose clock stands before that of an earlier scan. It is marked here and not in the state, which knows no order."""
    back_s = 0 if before is None else before.last_s - at_s
    return (Reason("clock_stepped_back_s", back_s),) if back_s > CLOCK_BACK_S_MAX else ()


def _trace_marks(trace: bytes) -> tuple[Reason, ...]:
    """By which an integrator finds a scan among its own traces: in the record alone, as it says nothing of the code."""
    return (Reason("trace_id", trace.hex()),) if trace else ()
