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

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session

from codegen import models
from kit.refusals import Invalid

LINES_MAX = 1000
PAGE_LINES = 50
PAGE_LINES_MAX = 200
REASON_LENGTH_MAX = 200
STRETCHES_MAX = 100  # a list of serials may hold thousands: a line tells the first, and how many codes
SYSTEM = "onemark"  # what the instance does by itself: the first epoch of a new brand


class Action(StrEnum):
    """What was done. Stable words: they stand in tables for ever."""

    ORDER_PLACED = "order.placed"
    ORDER_ISSUED = "order.issued"
    ORDER_CLOSED = "order.closed"
    ORDER_MARKED = "order.marked"
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
    WARNING_CHANGED = "warning.changed"
    LINK_ADDED = "link.added"
    LINK_CHANGED = "link.changed"
    LINK_REMOVED = "link.removed"
    LINK_HOST_ALLOWED = "link_host.allowed"
    LINK_HOST_DISALLOWED = "link_host.disallowed"
    LINK_VOCABULARY_DEFINED = "link_vocabulary.defined"
    LINK_VOCABULARY_FORGOTTEN = "link_vocabulary.forgotten"
    API_KEY_MADE = "api_key.made"
    API_KEY_REVOKED = "api_key.revoked"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines: all that fit everything that is said. `text` stands in the actor's name or in the reason; `until` is excluded."""

    actions: frozenset[Action] = frozenset()
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    lines: tuple[Line, ...]
    next_before: int | None


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


def page(
    session: Session, *, tenant_id: int, wanted: Wanted = EVERYTHING, before: int | None = None, lines_max: int = PAGE_LINES
) -> AuditPage:
    """Lines of the brand from the newest to the oldest; `before` is the `next_before` of the page above."""
    lines_max = min(max(lines_max, 1), PAGE_LINES_MAX)
    query = select(models.Audit).where(models.Audit.tenant_id == tenant_id)
    if before is not None:
        query = query.where(models.Audit.id < before)
    if wanted.actions:
        query = query.where(models.Audit.action.in_(sorted(wanted.actions)))
    if wanted.text:
        query = query.where(
            or_(
                models.Audit.actor.icontains(wanted.text, autoescape=True),
                models.Audit.reason.icontains(wanted.text, autoescape=True),
            )
        )
    if wanted.since is not None:
        query = query.where(models.Audit.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(models.Audit.at < wanted.until)
    rows = session.scalars(query.order_by(models.Audit.id.desc()).limit(lines_max + 1)).all()
    lines = tuple(_line(row) for row in rows[:lines_max])
    return AuditPage(lines=lines, next_before=lines[-1].id if len(rows) > lines_max else None)


def of_keys(session: Session, *, tenant_id: int) -> list[Line]:
    """What was decided about the key ring, oldest first."""
    return _lines(session, models.Audit.tenant_id == tenant_id, models.Audit.action.like("epoch%"))


def _lines(session: Session, *conditions: Any) -> list[Line]:
    """The newest LINES_MAX lines, in the order in which they were written."""
    rows = session.scalars(select(models.Audit).where(*conditions).order_by(models.Audit.id.desc()).limit(LINES_MAX))
    return [_line(row) for row in reversed(rows.all())]


def _line(row: models.Audit) -> Line:
    return Line(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=Action(row.action),
        order_id=row.order_id,
        epoch=row.epoch,
        reason=row.reason,
        facts=row.facts,
    )
