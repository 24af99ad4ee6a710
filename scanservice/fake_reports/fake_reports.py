"""A consumer's report from its arrival to its answer.

Promises: the same report sent twice is one; it is bound to one scan of one visitor; states go forward alone, and the consumer sees each;
the phone number lies sealed. Personal data have a term: photos, words, place and number are deleted KEPT_AFTER_CLOSING after the report
was closed, and KEPT_AT_MOST after it came, whatever became of it. Refuses another visitor's use of a report's id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kit import seals
from kit.db import after_commit
from kit.refusals import Conflict, Invalid, Malformed, NotFound
from scanservice.fake_reports import photo_room, photos
from scanservice.fake_reports.report_models import FakeReport, FakeReportPhoto
from scanservice.tickets import Ticket
from scanservice.verdicts import Verdict

PLACE_LENGTH_MAX: Final = 200
WORDS_LENGTH_MAX: Final = 2000
ANSWER_LENGTH_MAX: Final = 2000
PAGE_ROWS: Final = 50
OF_CODE_MAX: Final = 50
KEPT_AFTER_CLOSING: Final = timedelta(days=180)
KEPT_AT_MOST: Final = timedelta(days=730)
ORPHANS_AFTER: Final = timedelta(days=1)
FORGET_ROWS_MAX: Final = 500
KEY_PURPOSE: Final = "onemark/fake-report"


class ReportState(StrEnum):
    RECEIVED = "received"
    LOOKED_AT = "looked_at"
    ANSWERED = "answered"
    CLOSED = "closed"


_OPEN: Final = (ReportState.RECEIVED.value, ReportState.LOOKED_AT.value, ReportState.ANSWERED.value)


class ReportUnknown(NotFound):
    code: ClassVar[str] = "report_unknown"
    says: ClassVar[str] = "This brand has no report {report_id}."


class ReportOfOther(Conflict):
    code: ClassVar[str] = "report_of_other"
    says: ClassVar[str] = "Another report was sent under this id."


class ReportClosed(Conflict):
    code: ClassVar[str] = "report_closed"
    says: ClassVar[str] = "This report is closed."


class AnswerMissing(Invalid):
    code: ClassVar[str] = "answer_missing"
    says: ClassVar[str] = "Write what the consumer shall read."


class TextTooLong(Invalid):
    code: ClassVar[str] = "text_too_long"
    says: ClassVar[str] = "This is too long: at most {length_max} characters."


class PhotosMissing(Invalid):
    code: ClassVar[str] = "photos_missing"
    says: ClassVar[str] = "A report has 1 to {photos_max} photos."


class CursorMalformed(Malformed):
    code: ClassVar[str] = "report_cursor_malformed"
    says: ClassVar[str] = "This cursor was not given out here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a consumer sends. `photos` are cleaned; `phone` is in E.164, or empty where they do not want to be called."""

    report_id: UUID
    ticket: Ticket
    place: str
    words: str
    phone: str
    language: str
    photos: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`photos` are names for `photos.path`, none where there was no room; a forgotten report has neither them nor words, place and number."""

    id: UUID
    scan_id: UUID
    epoch: int | None
    counter: int | None
    order_id: UUID | None
    gtin: str
    lot: str
    serial: str
    verdict: Verdict
    place: str
    words: str
    has_phone: bool
    language: str
    state: ReportState
    received_at: datetime
    looked_at: datetime | None
    answer: str
    answered_at: datetime | None
    answered_by: str
    closed_at: datetime | None
    closed_by: str
    close_reason: str
    forgotten_at: datetime | None
    photos: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    reports: tuple[Report, ...]
    next_cursor: str | None


def sent(session: Session, report_id: UUID, *, tenant_id: int, visitor: bytes) -> bool:
    """Did this visitor send the report before? Another's use of the id is refused."""
    row = session.get(FakeReport, (tenant_id, report_id))
    if row is None:
        return False
    if not seals.same(row.visitor, visitor):
        raise ReportOfOther
    return True


def receive(session: Session, draft: Draft, *, tenant_id: int, key: bytes, objects_dir: Path, now: datetime) -> bool:
    """False: it was received before, and nothing changes. `key` is derived for KEY_PURPOSE. Refused, it leaves nothing behind.

    Where the brand has no room for its photos (`photo_room`) it is kept without them: somebody who fills the room must not silence the others.
    """
    _check(draft.place, PLACE_LENGTH_MAX)
    _check(draft.words, WORDS_LENGTH_MAX)
    if not 1 <= len(draft.photos) <= photos.PHOTOS_MAX:
        raise PhotosMissing(photos_max=photos.PHOTOS_MAX)
    with session.begin_nested():
        if not _add(session, draft, tenant_id=tenant_id, key=key, now=now):
            sent(session, draft.report_id, tenant_id=tenant_id, visitor=draft.ticket.visitor)
            return False
        has_room = photo_room.take(session, tenant_id=tenant_id, photo_bytes=sum(map(len, draft.photos)), now=now)
        for number, photo in enumerate(draft.photos if has_room else (), start=1):
            name = photos.keep(photo, objects_dir=objects_dir, tenant_id=tenant_id)
            session.add(
                FakeReportPhoto(tenant_id=tenant_id, report_id=draft.report_id, number=number, name=name, size_bytes=len(photo))
            )
    return True


def find(session: Session, report_id: UUID, *, tenant_id: int) -> Report:
    row = session.get(FakeReport, (tenant_id, report_id), populate_existing=True)
    if row is None:
        raise ReportUnknown(report_id=report_id)
    return _reports(session, [row])[0]


def phone_of(session: Session, report_id: UUID, *, tenant_id: int, key: bytes) -> str:
    """The number in E.164; empty where none was given or it was deleted."""
    row = session.get(FakeReport, (tenant_id, report_id))
    if row is None or row.phone_sealed is None:
        return ""
    return seals.unseal(key, row.phone_sealed, context=report_id.bytes).decode()


def page(
    session: Session, *, tenant_id: int, states: Sequence[ReportState] = (), cursor: str | None = None, rows_max: int = PAGE_ROWS
) -> Page:
    """The newest first; without `states` those of every state."""
    wanted = select(FakeReport).where(FakeReport.tenant_id == tenant_id)
    if states:
        wanted = wanted.where(FakeReport.state.in_([state.value for state in states]))
    if cursor is not None:
        wanted = wanted.where(tuple_(FakeReport.received_at, FakeReport.id) < tuple_(*_position(cursor)))
    newest_first = wanted.order_by(FakeReport.received_at.desc(), FakeReport.id.desc()).limit(rows_max + 1)
    rows = session.scalars(newest_first).all()
    shown = _reports(session, rows[:rows_max])
    more = len(rows) > rows_max
    return Page(reports=tuple(shown), next_cursor=f"{shown[-1].received_at.isoformat()}_{shown[-1].id}" if more else None)


def of_code(session: Session, *, tenant_id: int, epoch: int, counter: int) -> list[Report]:
    rows = session.scalars(
        select(FakeReport)
        .where(FakeReport.tenant_id == tenant_id, FakeReport.epoch == epoch, FakeReport.counter == counter)
        .order_by(FakeReport.received_at.desc(), FakeReport.id)
        .limit(OF_CODE_MAX)
    ).all()
    return _reports(session, rows)


def count_received(session: Session, *, tenant_id: int) -> int:
    """How many nobody has looked at."""
    wanted = select(func.count()).where(FakeReport.tenant_id == tenant_id, FakeReport.state == ReportState.RECEIVED.value)
    return session.scalars(wanted).one()


def look_at(session: Session, report_id: UUID, *, tenant_id: int, now: datetime, actor: str) -> Report:
    """Somebody of the brand opened it; the consumer is told that it is being looked at."""
    _move(
        session,
        report_id,
        tenant_id=tenant_id,
        of=(ReportState.RECEIVED.value,),
        state=ReportState.LOOKED_AT.value,
        looked_at=now,
        looked_at_by=actor,
    )
    return find(session, report_id, tenant_id=tenant_id)


def answer(session: Session, report_id: UUID, *, tenant_id: int, text: str, now: datetime, actor: str) -> Report:
    """What the consumer will read. A later answer takes the place of an earlier one, while the report is open."""
    text = text.strip()
    if not text:
        raise AnswerMissing
    _check(text, ANSWER_LENGTH_MAX)
    moved = _move(
        session,
        report_id,
        tenant_id=tenant_id,
        of=_OPEN,
        state=ReportState.ANSWERED.value,
        answer=text,
        answered_at=now,
        answered_by=actor,
    )
    found = find(session, report_id, tenant_id=tenant_id)
    if not moved:
        raise ReportClosed
    return found


def close(session: Session, report_id: UUID, *, tenant_id: int, reason: str, now: datetime, actor: str) -> Report:
    """`reason` is a note among staff. Closing again changes nothing."""
    _check(reason, ANSWER_LENGTH_MAX)
    ended = {"closed_at": now, "closed_by": actor, "close_reason": reason.strip()}
    _move(session, report_id, tenant_id=tenant_id, of=_OPEN, state=ReportState.CLOSED.value, **ended)
    return find(session, report_id, tenant_id=tenant_id)


def forget(session: Session, *, tenant_id: int, objects_dir: Path, now: datetime) -> int:
    """Deletes what has served its time; files go once the rows are committed. Returns how many reports were emptied."""
    due = session.scalars(
        select(FakeReport.id)
        .where(
            FakeReport.tenant_id == tenant_id,
            FakeReport.forgotten_at.is_(None),
            or_(FakeReport.closed_at < now - KEPT_AFTER_CLOSING, FakeReport.received_at < now - KEPT_AT_MOST),
        )
        .order_by(FakeReport.received_at)
        .limit(FORGET_ROWS_MAX)
    ).all()
    of_due = (FakeReportPhoto.tenant_id == tenant_id, FakeReportPhoto.report_id.in_(due))
    names = session.scalars(delete(FakeReportPhoto).where(*of_due).returning(FakeReportPhoto.name)).all()
    session.execute(
        update(FakeReport)
        .where(FakeReport.tenant_id == tenant_id, FakeReport.id.in_(due))
        .values(words="", place="", answer="", close_reason="", phone_sealed=None, forgotten_at=now)
        .execution_options(synchronize_session=False)
    )
    after_commit(session, lambda: photos.remove(names, objects_dir=objects_dir, tenant_id=tenant_id))
    known = set(session.scalars(select(FakeReportPhoto.name).where(FakeReportPhoto.tenant_id == tenant_id)))
    photos.sweep(known, objects_dir=objects_dir, tenant_id=tenant_id, before=now - ORPHANS_AFTER)
    return len(due)


def _add(session: Session, draft: Draft, *, tenant_id: int, key: bytes, now: datetime) -> bool:
    """False where there is a report with this id."""
    ticket = draft.ticket
    added = session.execute(
        insert(FakeReport)
        .values(
            tenant_id=tenant_id,
            id=draft.report_id,
            scan_id=ticket.scan_id,
            visitor=ticket.visitor,
            epoch=ticket.epoch,
            counter=ticket.counter,
            order_id=ticket.order_id,
            gtin=ticket.gtin,
            lot=ticket.lot,
            serial=ticket.serial,
            verdict=ticket.verdict,
            place=draft.place,
            words=draft.words,
            phone_sealed=seals.seal(key, draft.phone.encode(), context=draft.report_id.bytes) if draft.phone else None,
            language=draft.language,
            state=ReportState.RECEIVED.value,
            received_at=now,
        )
        .on_conflict_do_nothing()
        .returning(FakeReport.id)
    ).first()
    return added is not None


def _move(session: Session, report_id: UUID, *, tenant_id: int, of: Sequence[str], **values: Any) -> bool:
    moved = session.execute(
        update(FakeReport)
        .where(FakeReport.tenant_id == tenant_id, FakeReport.id == report_id, FakeReport.state.in_(of))
        .values(**values)
        .returning(FakeReport.id)
        .execution_options(synchronize_session=False)
    ).first()
    return moved is not None


def _check(text: str, length_max: int) -> None:
    if len(text) > length_max:
        raise TextTooLong(length_max=length_max)


def _position(cursor: str) -> tuple[datetime, UUID]:
    at, _, report_id = cursor.partition("_")
    try:
        position = datetime.fromisoformat(at), UUID(report_id)
    except ValueError as error:
        raise CursorMalformed from error
    if position[0].tzinfo is None:
        raise CursorMalformed
    return position


def _reports(session: Session, rows: Sequence[FakeReport]) -> list[Report]:
    if not rows:
        return []
    names: dict[UUID, list[str]] = {row.id: [] for row in rows}
    kept = session.scalars(
        select(FakeReportPhoto)
        .where(FakeReportPhoto.tenant_id == rows[0].tenant_id, FakeReportPhoto.report_id.in_(names))
        .order_by(FakeReportPhoto.report_id, FakeReportPhoto.number)
    )
    for photo in kept:
        names[photo.report_id].append(photo.name)
    return [_report(row, tuple(names[row.id])) for row in rows]


def _report(row: FakeReport, names: tuple[str, ...]) -> Report:
    return Report(
        id=row.id,
        scan_id=row.scan_id,
        epoch=row.epoch,
        counter=row.counter,
        order_id=row.order_id,
        gtin=row.gtin,
        lot=row.lot,
        serial=row.serial,
        verdict=Verdict(row.verdict),
        place=row.place,
        words=row.words,
        has_phone=row.phone_sealed is not None,
        language=row.language,
        state=ReportState(row.state),
        received_at=row.received_at,
        looked_at=row.looked_at,
        answer=row.answer,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        close_reason=row.close_reason,
        forgotten_at=row.forgotten_at,
        photos=names,
    )
