"""What the record knows of codes, as pieces for `folding`: scans, right PINs, and the states that dropped months left behind.

Promises: one statement, so that it sees a month either whole or dropped and folded, never both halves of neither; code by code, each
block with all pieces of its codes. PostgreSQL makes the pieces: reading columns and building objects of them took most of a rebuild.
A mode is decided here as in `verdicts.recorded_mode`; a test compares the two.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from sqlalchemy.orm import Session

from scanservice import verdicts
from scanservice.hot.pin_tries import Outcome
from scanservice.ingest.folding import CODE_BYTES, HEAD_BYTES, PIECE_BYTES, SLOT_BYTES, Kind
from scanservice.verdicts import Role

ROWS_AT_ONCE: Final = 50_000

_UNCOUNTED: Final = ", ".join(f"'{verdict.value}'" for verdict in sorted(verdicts.UNCOUNTED))
_KINDS: Final = {kind: f"'\\x{kind:02x}'::bytea" for kind in Kind}
_BODY_BYTES: Final = PIECE_BYTES - CODE_BYTES - 1
_CODE: Final = "int2send(x.epoch) || int8send(x.counter)"
# Shorter ones are filled up as a state's slot would.
_WHO: Final = "substr(x.visitor || '\\x00000000', 1, 4) || substr(x.whence || '\\x0000000000', 1, 5)"


def _zeros(length: int) -> str:
    return f"decode(repeat('00', {_BODY_BYTES - length}), 'hex')"


_SCANS: Final = f"""
SELECT x.epoch, x.counter, {_CODE} ||
       CASE WHEN x.confirmed_at IS NULL OR x.verdict IN ({_UNCOUNTED}) THEN {_KINDS[Kind.SEEN]}
            WHEN x.role = '{Role.CONSUMER.value}' THEN {_KINDS[Kind.CONFIRMED]} ELSE {_KINDS[Kind.STAFF]} END ||
       timestamptz_send(x.scanned_at) || timestamptz_send(coalesce(x.confirmed_at, x.scanned_at)) || {_WHO} AS piece
  FROM scan AS x
 WHERE x.tenant_id = %(tenant_id)s AND x.epoch IS NOT NULL
"""
_PROOFS: Final = f"""
SELECT x.epoch, x.counter,
       {_CODE} || {_KINDS[Kind.PROVEN]} || timestamptz_send(x.tried_at) || timestamptz_send(x.tried_at) || {_WHO}
  FROM pin_try AS x
 WHERE x.tenant_id = %(tenant_id)s AND x.outcome = '{Outcome.RIGHT.value}'
"""
_HEADS: Final = f"""
SELECT x.epoch, x.counter, {_CODE} || {_KINDS[Kind.HEAD]} || substr(x.state, 1, {HEAD_BYTES}) || {_zeros(HEAD_BYTES)}
  FROM code_state AS x
 WHERE x.tenant_id = %(tenant_id)s
"""
_SLOTS: Final = f"""
SELECT x.epoch, x.counter,
       {_CODE} || {_KINDS[Kind.SLOT]} || substr(x.state, {HEAD_BYTES} + 1 + {SLOT_BYTES} * n, {SLOT_BYTES}) || {_zeros(SLOT_BYTES)}
  FROM code_state AS x, generate_series(0, (octet_length(x.state) - {HEAD_BYTES}) / {SLOT_BYTES} - 1) AS n
 WHERE x.tenant_id = %(tenant_id)s
"""
_CODES: Final = " AND (x.epoch, x.counter) IN (SELECT * FROM unnest(%(epochs)s::smallint[], %(counters)s::bigint[]))"
_STRETCH: Final = " AND x.scanned_at >= %(since)s AND x.scanned_at < %(until)s"
_MET: Final = f"""
 AND (x.epoch, x.counter) IN (SELECT x.epoch, x.counter FROM scan AS x WHERE x.tenant_id = %(tenant_id)s {_STRETCH})
"""


def _statement(*parts: str) -> str:
    return f"SELECT piece FROM ({' UNION ALL '.join(parts)}) AS pieces ORDER BY epoch, counter"


_ALL: Final = _statement(_SCANS, _PROOFS, _HEADS, _SLOTS)
_OF_CODES: Final = _statement(*(part + _CODES for part in (_SCANS, _PROOFS, _HEADS, _SLOTS)))
_OF_STRETCH: Final = _statement(_SCANS + _STRETCH, _HEADS + _MET, _SLOTS + _MET)


def of_brand(session: Session, *, tenant_id: int) -> Iterator[bytes]:
    """Of every code that was ever scanned."""
    return _blocks(session, _ALL, {"tenant_id": tenant_id})


def of_codes(session: Session, *, tenant_id: int, codes: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """`codes` are (epoch, counter), each once."""
    epochs, counters = [code[0] for code in codes], [code[1] for code in codes]
    return _blocks(session, _OF_CODES, {"tenant_id": tenant_id, "epochs": epochs, "counters": counters})


def of_stretch(session: Session, *, tenant_id: int, since: datetime, until: datetime) -> Iterator[bytes]:
    """Scans of [since, until), and what earlier months left of their codes. Without PINs, which stay where they are."""
    return _blocks(session, _OF_STRETCH, {"tenant_id": tenant_id, "since": since, "until": until})


def driver(session: Session) -> Connection[Any]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)  # noqa: S101 - the engine is psycopg's
    return connection


def _blocks(session: Session, statement: str, values: dict[str, Any]) -> Iterator[bytes]:
    """The last code of what was fetched waits for the rest of it: whole blocks of one code are only put aside, not joined each time."""
    waiting: list[bytes] = []
    code = b""
    with driver(session).cursor(name="pieces", binary=True) as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            fetched = b"".join([row[0] for row in rows])
            last = fetched[-PIECE_BYTES:][:CODE_BYTES]
            if last != code:
                cut = _begin_of(fetched, last)
                if whole := b"".join((*waiting, fetched[:cut])):
                    yield whole
                waiting, code, fetched = [], last, fetched[cut:]
            waiting.append(fetched)
    if waiting:
        yield b"".join(waiting)


def _begin_of(fetched: bytes, code: bytes) -> int:
    """Where the pieces of the last code begin. Codes are sorted, so halving finds it."""
    low, high = 0, len(fetched) // PIECE_BYTES - 1
    while low < high:
        middle = (low + high) // 2
        at = middle * PIECE_BYTES
        if fetched[at : at + CODE_BYTES] == code:
            high = middle
        else:
            low = middle + 1
    return low * PIECE_BYTES
