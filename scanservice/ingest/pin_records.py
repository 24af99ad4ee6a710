"""Entered PINs as PostgreSQL keeps them: what came of each, by whom, never the PIN itself.

Promises: a try is stored once by its id, in the transaction of the log that told of it; `recent` gives the tries of a code in the order of their
times, as `pin_tries.fold` wants them. Refused: rows of another tenant than the session's, by the database itself.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kit.db import enter_tenant
from scanservice.hot import pin_log, state
from scanservice.hot.pin_log import LoggedTry
from scanservice.hot.pin_tries import Lane, Outcome, Try
from scanservice.models import PinTry


def store(session: Session, tries: Sequence[LoggedTry]) -> None:
    """Tries of any tenants. The session ends up inside the last one."""
    by_tenant: dict[int, list[dict[str, Any]]] = {}
    for one in tries:
        by_tenant.setdefault(one.entry.tenant_id, []).append(_values(one))
    for tenant_id in sorted(by_tenant):
        enter_tenant(session, tenant_id)
        session.execute(insert(PinTry).on_conflict_do_nothing(), by_tenant[tenant_id])


def recent(session: Session, *, tenant_id: int, since: datetime, rows_at_once: int) -> Iterator[tuple[int, int, Iterator[Try]]]:
    """(epoch, counter, its tries since then)."""
    rows = session.execute(
        select(PinTry.epoch, PinTry.counter, PinTry.tried_at, PinTry.visitor, PinTry.lane, PinTry.outcome)
        .where(PinTry.tenant_id == tenant_id, PinTry.tried_at > since)
        .order_by(PinTry.epoch, PinTry.counter, PinTry.tried_at, PinTry.id)
        .execution_options(yield_per=rows_at_once)
    )
    for (epoch, counter), tries in groupby(rows, key=lambda row: (row.epoch, row.counter)):
        yield (
            epoch,
            counter,
            (
                Try(
                    at_s=state.seconds(row.tried_at.timestamp()),
                    visitor=bytes(row.visitor)[: state.VISITOR_BYTES],
                    lane=Lane(row.lane),
                    right=row.outcome == Outcome.RIGHT,
                )
                for row in tries
            ),
        )


def _values(one: LoggedTry) -> dict[str, Any]:
    entry = one.entry
    return {
        "tenant_id": entry.tenant_id,
        "id": entry.try_id,
        "epoch": entry.epoch,
        "counter": entry.counter,
        "tried_at": pin_log.at(entry),
        "outcome": one.outcome.value,
        "lane": one.lane.value,
        "scan_id": entry.scan_id,
        "visitor": entry.visitor,
        "whence": entry.whence,
    }
