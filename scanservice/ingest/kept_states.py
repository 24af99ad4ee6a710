"""What scans did to the state of their codes, kept for when their month is dropped.

Promises: `fold` may be done again, in any order of stretches, and while the scans are still there: a state remembers, it does not count.
Redis keeps the VISITORS_MAX earliest visitors of a code; here SLOTS_MAX are kept, because of two halves that were each cut to six one may
lack when a visitor of the other came last. So folding month by month gives what folding all at once gives: always where a code had no
more visitors than that, and beyond it where months go oldest first, as they must. Refused: nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from scanservice.hot import state
from scanservice.hot.state import Slot, State
from scanservice.ingest import folding, pieces
from scanservice.ingest.folding import Folded

SLOTS_MAX: Final = 1024
assert SLOTS_MAX > state.VISITORS_MAX  # noqa: S101 - else it would be as Redis has it, and months could not be folded one by one
_COUNTER_MASK: Final = (1 << folding.COUNTER_BITS) - 1
_SHOWN_BYTES: Final = folding.HEAD_BYTES + state.VISITORS_MAX * folding.SLOT_BYTES
# One fold of a brand at a time: two of the same code would each lack what the other wrote.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('code_state'), hashint8(:tenant_id))")
_CREATE: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS folded_code (epoch smallint, counter bigint, state bytea) ON COMMIT DELETE ROWS
"""
_COPY: Final = "COPY folded_code (epoch, counter, state) FROM STDIN (FORMAT BINARY)"
_KEEP: Final = text("""
INSERT INTO code_state AS k (tenant_id, epoch, counter, state)
SELECT :tenant_id, epoch, counter, state FROM folded_code ORDER BY epoch, counter
ON CONFLICT (tenant_id, epoch, counter) DO UPDATE SET state = excluded.state WHERE k.state <> excluded.state
""")


def fold(session: Session, *, tenant_id: int, since: datetime, until: datetime) -> int:
    """Adds the scans of [since, until) to what is kept of their codes. Returns how many codes they had."""
    session.execute(_LOCK, {"tenant_id": tenant_id})
    codes = 0
    connection = pieces.driver(session)
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute("TRUNCATE folded_code")
    for block in pieces.of_stretch(session, tenant_id=tenant_id, since=since, until=until):
        folded = folding.fold(block, slots_max=SLOTS_MAX)
        codes += len(folded.packed)
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(("int2", "int8", "bytea"))
            for row in _rows(folded):
                copy.write_row(row)
    session.execute(_KEEP, {"tenant_id": tenant_id})
    return codes


def unpack(kept: bytes) -> State:
    """As Redis would have it: the earliest visitors."""
    return state.unpack(kept[:_SHOWN_BYTES])


def met(kept: State, *, at_s: int) -> State | None:
    """What of a kept state was there at an instant. Times of single scans are gone, so a visitor counts from their first one on; and
    whether the shop's scan was before or after, nobody knows: it counts.
    """
    if kept.last_s <= at_s:
        return kept
    if at_s < kept.first_s:
        return None
    minute = at_s // 60
    slots = tuple(_until(slot, minute) for slot in kept.slots if slot.first_min <= minute)
    return State(flags=kept.flags, first_s=kept.first_s, last_s=at_s, slots=slots)


def before(known: State | None, kept: State | None, *, at_s: int) -> State | None:
    """The state that a scan met: `known` from the scans before it that are there, and what is kept of those that are gone."""
    gone = None if kept is None else met(kept, at_s=at_s)
    if gone is None or known is None:
        return gone or known
    return state.merge(gone, known)


def _until(slot: Slot, minute: int) -> Slot:
    return msgspec.structs.replace(slot, last_min=min(slot.last_min, minute))


def _rows(folded: Folded) -> Iterator[tuple[int, int, bytes]]:
    for code, packed in zip(folded.codes.tolist(), folded.packed, strict=True):
        yield code >> folding.COUNTER_BITS, code & _COUNTER_MASK, packed
