"""What people do about an anomaly: see it, note something, close it with a reason, open it again.

Promises: each act leaves a line with who, when and why, in the same commit, and lines are only added; the same act twice is one act, with
one line. Refuses to close without a reason, and words above their limit. A closed anomaly goes on counting scans, and says how many.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kit import ids
from kit.refusals import Invalid
from scanservice.anomalies import anomalies
from scanservice.anomalies.anomalies import OPEN, Anomaly, AnomalyState
from scanservice.anomalies.anomaly_models import Anomaly as Row
from scanservice.anomalies.anomaly_models import AnomalyEvent

WORDS_LENGTH_MAX: Final = 1000
EVENTS_MAX: Final = 500
# Who mistyped a code is forgotten; whoever goes on within the hour was counted into an anomaly long before.
UNRIPE_KEPT: Final = timedelta(days=2)


class Act(StrEnum):
    SEEN = "seen"
    CLOSED = "closed"
    REOPENED = "reopened"
    NOTED = "noted"


class ReasonMissing(Invalid):
    code: ClassVar[str] = "reason_missing"
    says: ClassVar[str] = "Say why: whoever meets the same again will read it."


class WordsTooLong(Invalid):
    code: ClassVar[str] = "words_too_long"
    says: ClassVar[str] = "At most {length_max} characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`report_id` names the consumer's report that a note was made from."""

    at: datetime
    actor: str
    act: Act
    words: str
    report_id: UUID | None


def see(session: Session, anomaly_id: UUID, *, tenant_id: int, now: datetime, actor: str) -> Anomaly:
    """Somebody opened it. Only the first time changes anything."""
    if _move(session, anomaly_id, tenant_id=tenant_id, of=(AnomalyState.NEW,), state=AnomalyState.SEEN):
        _write(session, anomaly_id, Act.SEEN, tenant_id=tenant_id, now=now, actor=actor)
    return anomalies.find(session, anomaly_id, tenant_id=tenant_id)


def close(session: Session, anomaly_id: UUID, *, tenant_id: int, reason: str, now: datetime, actor: str) -> Anomaly:
    """Closing what is closed already changes nothing, the reason included."""
    reason = _checked(reason)
    ended = {"closed_at": now, "closed_by": actor, "close_reason": reason, "scans_at_close": Row.scans}
    if _move(session, anomaly_id, tenant_id=tenant_id, of=OPEN, state=AnomalyState.CLOSED, **ended):
        _write(session, anomaly_id, Act.CLOSED, tenant_id=tenant_id, now=now, actor=actor, words=reason)
    return anomalies.find(session, anomaly_id, tenant_id=tenant_id)


def reopen(session: Session, anomaly_id: UUID, *, tenant_id: int, reason: str, now: datetime, actor: str) -> Anomaly:
    reason = _checked(reason)
    begun = {"closed_at": None, "closed_by": "", "close_reason": "", "scans_at_close": 0}
    if _move(session, anomaly_id, tenant_id=tenant_id, of=(AnomalyState.CLOSED,), state=AnomalyState.SEEN, **begun):
        _write(session, anomaly_id, Act.REOPENED, tenant_id=tenant_id, now=now, actor=actor, words=reason)
    return anomalies.find(session, anomaly_id, tenant_id=tenant_id)


def note(
    session: Session,
    anomaly_id: UUID,
    *,
    note_id: UUID,
    tenant_id: int,
    words: str,
    report_id: UUID | None = None,
    now: datetime,
    actor: str,
) -> None:
    """The caller makes the id, so that a form sent twice makes one note."""
    words = _checked(words)
    anomalies.find(session, anomaly_id, tenant_id=tenant_id)
    _write(
        session,
        anomaly_id,
        Act.NOTED,
        tenant_id=tenant_id,
        now=now,
        actor=actor,
        words=words,
        event_id=note_id,
        report_id=report_id,
    )


def events(session: Session, anomaly_id: UUID, *, tenant_id: int) -> list[Event]:
    """What was done about one anomaly, oldest first."""
    rows = session.scalars(
        select(AnomalyEvent)
        .where(AnomalyEvent.tenant_id == tenant_id, AnomalyEvent.anomaly_id == anomaly_id)
        .order_by(AnomalyEvent.at, AnomalyEvent.id)
        .limit(EVENTS_MAX)
    )
    return [Event(at=row.at, actor=row.actor, act=Act(row.action), words=row.words, report_id=row.report_id) for row in rows]


def forget_unripe(session: Session, *, tenant_id: int, now: datetime) -> int:
    """Drops what never became an anomaly."""
    dropped = session.execute(
        delete(Row)
        .where(Row.tenant_id == tenant_id, Row.detected_at.is_(None), Row.last_seen_at < now - UNRIPE_KEPT)
        .returning(Row.id)
    )
    return len(dropped.all())


def _move(
    session: Session, anomaly_id: UUID, *, tenant_id: int, of: tuple[AnomalyState, ...], state: AnomalyState, **values: Any
) -> bool:
    """False: it is in no state that this act is for, and stays as it is."""
    moved = session.execute(
        update(Row)
        .where(
            Row.tenant_id == tenant_id,
            Row.id == anomaly_id,
            Row.detected_at.is_not(None),
            Row.state.in_([one.value for one in of]),
        )
        .values(state=state.value, **values)
        .returning(Row.id)
        .execution_options(synchronize_session=False)
    ).first()
    session.expire_all()
    return moved is not None


def _checked(words: str) -> str:
    words = words.strip()
    if not words:
        raise ReasonMissing
    if len(words) > WORDS_LENGTH_MAX:
        raise WordsTooLong(length_max=WORDS_LENGTH_MAX)
    return words


def _write(
    session: Session,
    anomaly_id: UUID,
    act: Act,
    *,
    tenant_id: int,
    now: datetime,
    actor: str,
    words: str = "",
    event_id: UUID | None = None,
    report_id: UUID | None = None,
) -> None:
    session.execute(
        insert(AnomalyEvent)
        .values(
            tenant_id=tenant_id,
            anomaly_id=anomaly_id,
            id=event_id or ids.uuid7(now),
            at=now,
            actor=actor,
            action=act.value,
            words=words,
            report_id=report_id,
        )
        .on_conflict_do_nothing()
    )
