"""Log entries become rows of the scan log: read, judged again from what the entry holds, and given the division they lie in.

Promises: the same `judge` as in the edge, on the state that the Redis function put beside the entry; a page and its beacon in one
batch become one row, the beacon's. Positions are looked up all at once: one at a time they took longer than everything else.
What no edge of ours can have written becomes a letter that says why, and stops nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from scanservice import evidence, verdicts
from scanservice.hot import log as scan_log
from scanservice.hot import state
from scanservice.hot.log import EntryMalformed, Sighting
from scanservice.hot.state import State
from scanservice.ingest.scan_rows import ScanRow
from scanservice.verdicts import Reason

# No edge's clock is as wrong as this; a row of such a time would ask for a partition that nobody wants.
OLDEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
AHEAD_MAX: Final = timedelta(days=31)
# Two edges may differ by so much without anybody being told.
CLOCK_BACK_S_MAX: Final = 5
ADDRESSES_KEPT: Final = 1 << 14
_OLDEST_MS: Final = int(OLDEST.timestamp() * 1000)
_FAMILIES: Final = {0: None, 4: AF_INET, 16: AF_INET6}

Locate = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], Iterable[str]]
"""Latitudes and longitudes to division codes, each an empty text where there is none."""


class Read(msgspec.Struct, frozen=True, gc=False):
    """An entry that can be judged: what the edge saw, and the code's state before it."""

    sighting: Sighting
    before: State | None


def read(fields: Mapping[bytes, bytes], *, newest_ms: int) -> Read:
    """Raises EntryMalformed or StateMalformed. `newest_ms` is the latest time that we believe: see `newest_ms`."""
    try:
        sighting = scan_log.decode(fields[scan_log.ENTRY_FIELD])
        packed = fields[scan_log.BEFORE_FIELD]
    except KeyError as error:
        raise EntryMalformed(f"field {error} is missing") from error
    for at_ms in (sighting.at_ms, scan_log.scanned_at_ms(sighting)):
        if not _OLDEST_MS <= at_ms <= newest_ms:
            raise EntryMalformed(f"a scan {at_ms} ms after 1970")
    if len(sighting.ip) not in _FAMILIES:
        raise EntryMalformed(f"an address of {len(sighting.ip)} bytes")
    return Read(sighting, state.unpack(packed) if packed else None)


def newest_ms(now: datetime) -> int:
    return int((now + AHEAD_MAX).timestamp() * 1000)


def rows(reads: Iterable[Read], *, locate: Locate) -> list[ScanRow]:
    """One row for each scan id, in the order in which the ids came first."""
    chosen: dict[tuple[int, bytes], Read] = {}
    for one in reads:
        sighting = one.sighting
        known = chosen.setdefault((sighting.tenant_id, sighting.scan_id.bytes), one)
        if known is not one and sighting.confirmed and not known.sighting.confirmed:
            chosen[sighting.tenant_id, sighting.scan_id.bytes] = one
    divisions = _divisions([one.sighting for one in chosen.values()], locate)
    return [_row(one, division=division) for one, division in zip(chosen.values(), divisions, strict=True)]


def _divisions(sightings: Sequence[Sighting], locate: Locate) -> list[str]:
    found = [""] * len(sightings)
    placed = [number for number, sighting in enumerate(sightings) if sighting.latitude is not None]
    if placed:
        latitudes = np.array([sightings[number].latitude for number in placed], dtype=np.float64)
        longitudes = np.array([sightings[number].longitude for number in placed], dtype=np.float64)
        for number, division in zip(placed, locate(latitudes, longitudes), strict=True):
            found[number] = str(division)
    return found


def _row(one: Read, *, division: str) -> ScanRow:
    sighting, before = one.sighting, one.before
    at_s = state.seconds(sighting.at_ms / 1000)
    judgement = verdicts.judge(
        standing=sighting.standing,
        standing_reason=sighting.standing_reason,
        before=before,
        visitor=sighting.visitor[: state.VISITOR_BYTES],
        whence=sighting.whence,
        role=sighting.role,
        at_s=at_s,
        weights=evidence.weights(sighting.stranger_rate_pm, sighting.suspect_at_db),
    )
    judgement = verdicts.marked(judgement, sighting.url_signature, sighting.marks)
    return ScanRow(
        tenant_id=sighting.tenant_id,
        scan_id=sighting.scan_id,
        scanned_at=scan_log.scanned_at(sighting),
        confirmed_at=scan_log.at(sighting) if sighting.confirmed else None,
        epoch=sighting.epoch,
        counter=sighting.counter,
        order_id=sighting.order_id,
        gtin=sighting.gtin,
        lot=sighting.lot,
        serial=sighting.serial,
        verdict=judgement.verdict,
        reasons=judgement.reasons + _clock_marks(before, at_s=at_s) + _trace_marks(sighting.trace),
        role=sighting.role,
        visitor=sighting.visitor,
        whence=sighting.whence,
        ip=_address(sighting.ip),
        latitude=sighting.latitude,
        longitude=sighting.longitude,
        accuracy_m=sighting.accuracy_m,
        division=division,
        client=sighting.client,
        language=sighting.language,
        source="live",
    )


def _clock_marks(before: State | None, *, at_s: int) -> tuple[Reason, ...]:
    """An edge whose clock stands before that of an earlier scan. It is marked here and not in the state, which knows no order."""
    back_s = 0 if before is None else before.last_s - at_s
    return (Reason("clock_stepped_back_s", back_s),) if back_s > CLOCK_BACK_S_MAX else ()


def _trace_marks(trace: bytes) -> tuple[Reason, ...]:
    """By which an integrator finds a scan among its own traces: in the record alone, as it says nothing of the code."""
    return (Reason("trace_id", trace.hex()),) if trace else ()


@lru_cache(maxsize=ADDRESSES_KEPT)
def _address(packed: bytes) -> str | None:
    family = _FAMILIES[len(packed)]
    return None if family is None else inet_ntop(family, packed)
