"""Who decided what about orders, ranges and keys, when and why: one list for each brand, to which lines are only added.

Promises: a line stands in the commit of what it tells of, so that nothing is done unseen and nothing is told that was not done; the
application's role can neither change nor delete one. Refuses decisions by nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from codegen import models
from kit.refusals import Invalid

LINES_MAX = 1000
REASON_LENGTH_MAX = 200
STRETCHES_MAX = 100  # a list of serials may hold thousands: a line tells the first, and how many codes
SYSTEM = "onemark"  # what the instance does by itself: the first epoch of a new brand


class Action(StrEnum):
    """What was done. Stable words: they stand in tables for ever."""

    ORDER_PLACED = "order.placed"
    ORDER_ISSUED = "order.issued"
    ORDER_CLOSED = "order.closed"
    ORDER_REENTERED = "order.reentered"
    RANGE_PRINTED = "range.printed"
    RANGE_ACTIVATED = "range.active"
    RANGE_FROZEN = "range.frozen"
    RANGE_UNFROZEN = "range.unfrozen"
    RANGE_RECALLED = "range.recalled"
    RANGE_VOIDED = "range.void"
    RANGE_BOUND = "range.bound"
    EPOCH_OPENED = "epoch.opened"
    EPOCH_REVOKED = "epoch.revoked"
    EPOCHS_REWRAPPED = "epochs.rewrapped"
    EPOCHS_EXPORTED = "epochs.exported"
    EPOCHS_IMPORTED = "epochs.imported"
    LINK_ADDED = "link.added"
    LINK_CHANGED = "link.changed"
    LINK_REMOVED = "link.removed"
    LINK_HOST_ALLOWED = "link_host.allowed"
    LINK_HOST_DISALLOWED = "link_host.disallowed"
    LINK_VOCABULARY_DEFINED = "link_vocabulary.defined"
    LINK_VOCABULARY_FORGOTTEN = "link_vocabulary.forgotten"


class ReasonTooLong(Invalid):
    code = "reason_too_long"
    says = "A reason has at most {length_max} characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: int
    at: datetime
    actor: str
    action: Action
    order_id: UUID | None
    epoch: int | None
    reason: str
    facts: Mapping[str, Any]


def write(
    session: Session,
    action: Action,
    *,
    tenant_id: int,
    actor: str,
    now: datetime,
    order_id: UUID | None = None,
    epoch: int | None = None,
    reason: str = "",
    facts: Mapping[str, object] | None = None,
) -> None:
    """`facts` are numbers, words and lists of them, as JSON holds them."""
    if not actor:
        raise ValueError("a decision is somebody's: name the actor")
    session.execute(
        insert(models.Audit).values(
            tenant_id=tenant_id,
            at=now,
            actor=actor,
            action=action.value,
            order_id=order_id,
            epoch=epoch,
            reason=reason,
            facts=dict(facts or {}),
        )
    )


def of_order(session: Session, order_id: UUID, *, tenant_id: int) -> list[Line]:
    """What was decided about one order, oldest first."""
    return _lines(session, models.Audit.tenant_id == tenant_id, models.Audit.order_id == order_id)


def of_keys(session: Session, *, tenant_id: int) -> list[Line]:
    """What was decided about the key ring, oldest first."""
    return _lines(session, models.Audit.tenant_id == tenant_id, models.Audit.action.like("epoch%"))


def _lines(session: Session, *conditions: Any) -> list[Line]:
    """The newest LINES_MAX lines, in the order in which they were written."""
    rows = session.scalars(select(models.Audit).where(*conditions).order_by(models.Audit.id.desc()).limit(LINES_MAX))
    return [
        Line(
            id=row.id,
            at=row.at,
            actor=row.actor,
            action=Action(row.action),
            order_id=row.order_id,
            epoch=row.epoch,
            reason=row.reason,
            facts=row.facts,
        )
        for row in reversed(rows.all())
    ]
