"""The outbox: what others must be told is written in the same commit as what happened, and told after it.

Promises: a committed entry is delivered at least once, in whatever order; the entry's id is the idempotency key for the receiver.
The job carries the id alone and reads the entry afresh. What a crash left undelivered, `sweep` sends again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, select, update
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit import ids, log
from kit.db import Base, after_commit

ATTEMPTS_MAX = 12
SWEEP_AFTER = timedelta(seconds=30)
SWEEP_ROWS_MAX = 500
ERROR_CHARS_MAX = 500

_log = log.get(__name__)


class Enqueue(Protocol):
    """Tells a worker to deliver one entry soon."""

    def __call__(self, *, tenant_id: int, entry_id: UUID) -> None: ...


class OutboxEntry(Base):
    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_waiting", "tenant_id", "created_at", postgresql_where="delivered_at IS NULL"),)

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    delivered_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None] = mapped_column(Text)


Handler = Callable[[Session, OutboxEntry], None]


def put(
    session: Session, *, tenant_id: int, topic: str, payload: Mapping[str, Any], now: datetime, enqueue: Enqueue | None = None
) -> UUID:
    """Writes an entry into the running transaction. A lost `enqueue` costs only time: the sweep finds the entry."""
    entry = OutboxEntry(tenant_id=tenant_id, id=ids.uuid7(now), topic=topic, payload=dict(payload), created_at=now)
    session.add(entry)
    session.flush()
    tell = enqueue or session.info.get("enqueue")
    if tell is not None:
        after_commit(session, lambda: _tell(tell, tenant_id, entry.id))
    return entry.id


def deliver(session: Session, *, tenant_id: int, entry_id: UUID, handlers: Mapping[str, Handler], now: datetime) -> bool:
    """Hands one entry to the handler of its topic, once at a time. Returns False when there was nothing left to do."""
    entry = session.scalar(
        select(OutboxEntry)
        .where(OutboxEntry.tenant_id == tenant_id, OutboxEntry.id == entry_id, OutboxEntry.delivered_at.is_(None))
        .with_for_update(skip_locked=True)
    )
    if entry is None:
        return False
    handlers[entry.topic](session, entry)
    entry.delivered_at = now
    entry.attempts += 1
    return True


def note_failure(session: Session, *, tenant_id: int, entry_id: UUID, error: str) -> None:
    session.execute(
        update(OutboxEntry)
        .where(OutboxEntry.tenant_id == tenant_id, OutboxEntry.id == entry_id)
        .values(attempts=OutboxEntry.attempts + 1, last_error=error[:ERROR_CHARS_MAX])
    )


def waiting(session: Session, *, tenant_id: int, now: datetime) -> list[UUID]:
    """Entries that should have been delivered by now and still may be tried."""
    return list(
        session.scalars(
            select(OutboxEntry.id)
            .where(
                OutboxEntry.tenant_id == tenant_id,
                OutboxEntry.delivered_at.is_(None),
                OutboxEntry.created_at < now - SWEEP_AFTER,
                OutboxEntry.attempts < ATTEMPTS_MAX,
            )
            .order_by(OutboxEntry.created_at)
            .limit(SWEEP_ROWS_MAX)
        )
    )


def _tell(enqueue: Enqueue, tenant_id: int, entry_id: UUID) -> None:
    try:
        enqueue(tenant_id=tenant_id, entry_id=entry_id)
    except Exception:  # noqa: BLE001 - whatever the queue says, the commit stands and the sweep will send the entry
        _log.warning("outbox entry waits for the sweep", entry_id=str(entry_id), exc_info=True)
