"""Reading anomalies: the list, one of them with its codes and scans, those of a code, how many are new.

Promises: what has not ripened into an anomaly is shown nowhere; answers have a limit; the newest detection comes first. Says nothing of
who held which list: that is `suspects`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from codegen import orders
from codegen.print_packages import holders
from kit.refusals import Malformed, NotFound
from scanservice.anomalies import suspicions
from scanservice.anomalies.anomaly_models import Anomaly as Row
from scanservice.anomalies.anomaly_models import AnomalyCode
from scanservice.anomalies.suspicions import AnomalyKind, Severity

PAGE_ROWS: Final = 50
PAGE_ROWS_MAX: Final = 200
CODES_SHOWN_MAX: Final = 200
EXPORT_ROWS_AT_ONCE: Final = 1000


class AnomalyState(StrEnum):
    NEW = "new"
    SEEN = "seen"
    CLOSED = "closed"


# What somebody should still look at.
OPEN: Final = (AnomalyState.NEW, AnomalyState.SEEN)


class AnomalyUnknown(NotFound):
    code: ClassVar[str] = "anomaly_unknown"
    says: ClassVar[str] = "This brand has no anomaly {anomaly_id}."


class CursorMalformed(Malformed):
    code: ClassVar[str] = "anomaly_cursor_malformed"
    says: ClassVar[str] = "This cursor was not given out here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """`score` is 1 for what is certain. `reasons`, `packages` and `places` count scans; `serials` were never ours; `scan_ids` are samples."""

    id: UUID
    kind: AnomalyKind
    subject: str
    severity: Severity
    state: AnomalyState
    score: float
    order_id: UUID | None
    package_id: UUID | None
    distributor_id: str
    gtin: str
    lot: str
    division: str
    scans: int
    codes: int
    first_seen_at: datetime
    last_seen_at: datetime
    detected_at: datetime
    reasons: Mapping[str, int]
    packages: Mapping[UUID, int]
    places: Mapping[str, int]
    serials: tuple[str, ...]
    samples: tuple[tuple[datetime, UUID], ...]
    closed_at: datetime | None
    closed_by: str
    close_reason: str
    scans_since_close: int

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def block(self) -> str:
        """The block of addresses that invented serials came from; empty for anything else."""
        kind, _, rest = self.subject.partition(":")
        return rest.rpartition(":")[0] if kind == "block" else ""

    @property
    def epoch(self) -> int | None:
        """The key epoch whose codes nobody ordered; None for anything else."""
        kind, _, rest = self.subject.partition(":")
        return int(rest.partition(":")[0]) if kind == "no_range" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    anomalies: tuple[Anomaly, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeScans:
    """A code of an anomaly, and how often it was scanned for it."""

    epoch: int
    counter: int
    scans: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCode:
    """An anomaly that concerns a code: the code was scanned for it (`scans` times), or lies in the same part (0)."""

    anomaly: Anomaly
    scans: int


def page(
    session: Session,
    *,
    tenant_id: int,
    kind: AnomalyKind | None = None,
    states: Collection[AnomalyState] = (),
    since: datetime | None = None,
    cursor: str | None = None,
    rows_max: int = PAGE_ROWS,
) -> Page:
    """Without `states` those of every state. `since` is about the latest scan; `cursor` a `next_cursor` of before."""
    rows_max = min(max(rows_max, 1), PAGE_ROWS_MAX)
    wanted = _shown(tenant_id)
    if kind is not None:
        wanted = wanted.where(Row.kind == kind.value)
    if states:
        wanted = wanted.where(Row.state.in_([state.value for state in states]))
    if since is not None:
        wanted = wanted.where(Row.last_seen_at >= since)
    if cursor is not None:
        wanted = wanted.where(tuple_(Row.detected_at, Row.id) < tuple_(*_position(cursor)))
    rows = session.scalars(wanted.order_by(Row.detected_at.desc(), Row.id.desc()).limit(rows_max + 1)).all()
    shown = tuple(_anomaly(row) for row in rows[:rows_max])
    more = len(rows) > rows_max
    return Page(anomalies=shown, next_cursor=f"{shown[-1].detected_at.isoformat()}_{shown[-1].id}" if more else None)


def find(session: Session, anomaly_id: UUID, *, tenant_id: int) -> Anomaly:
    row = session.scalar(_shown(tenant_id).where(Row.id == anomaly_id))
    if row is None:
        raise AnomalyUnknown(anomaly_id=anomaly_id)
    return _anomaly(row)


def codes(session: Session, anomaly_id: UUID, *, tenant_id: int, rows_max: int = CODES_SHOWN_MAX) -> list[CodeScans]:
    """The codes of one anomaly, the most scanned first."""
    rows = session.scalars(
        select(AnomalyCode)
        .where(AnomalyCode.tenant_id == tenant_id, AnomalyCode.anomaly_id == anomaly_id)
        .order_by(AnomalyCode.scans.desc(), AnomalyCode.epoch, AnomalyCode.counter)
        .limit(min(rows_max, CODES_SHOWN_MAX))
    )
    return [
        CodeScans(
            epoch=row.epoch,
            counter=row.counter,
            scans=row.scans,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
        )
        for row in rows
    ]


def of_code(session: Session, *, tenant_id: int, epoch: int, counter: int) -> list[OfCode]:
    """Anomalies that this code was scanned for, and those of the parts that it was given out in; the newest first."""
    subjects = _subjects(session, tenant_id=tenant_id, epoch=epoch, counter=counter)
    scanned = select(AnomalyCode.anomaly_id, AnomalyCode.scans).where(
        AnomalyCode.tenant_id == tenant_id, AnomalyCode.epoch == epoch, AnomalyCode.counter == counter
    )
    scans = {one.anomaly_id: one.scans for one in session.execute(scanned)}
    concerned = or_(Row.id.in_(scans), and_(Row.kind == AnomalyKind.LEAK.value, Row.subject.in_(subjects)))
    rows = session.scalars(
        _shown(tenant_id).where(concerned).order_by(Row.detected_at.desc(), Row.id.desc()).limit(PAGE_ROWS_MAX)
    )
    return [OfCode(anomaly=_anomaly(row), scans=scans.get(row.id, 0)) for row in rows]


def count_new(session: Session, *, tenant_id: int) -> int:
    """How many nobody has looked at yet."""
    wanted = select(func.count()).where(
        Row.tenant_id == tenant_id, Row.state == AnomalyState.NEW.value, Row.detected_at.is_not(None)
    )
    return session.scalars(wanted).one()


def every(session: Session, *, tenant_id: int, kinds: Collection[AnomalyKind] = ()) -> Iterator[Anomaly]:
    """All of them in the order of detection, a stretch at a time."""
    for anomaly, _code in every_with_code(session, tenant_id=tenant_id, kinds=kinds):
        yield anomaly


def every_with_code(
    session: Session, *, tenant_id: int, kinds: Collection[AnomalyKind] = ()
) -> Iterator[tuple[Anomaly, tuple[int, int] | None]]:
    """The same, each with epoch and counter of its first code, which names it in a file; None where no code of ours is concerned.

    One statement: between two of them an ingester may add an anomaly whose code the first has not seen.
    """
    of_row = (AnomalyCode.tenant_id == Row.tenant_id, AnomalyCode.anomaly_id == Row.id)
    in_order = (AnomalyCode.first_seen_at, AnomalyCode.epoch, AnomalyCode.counter)
    first = select(AnomalyCode.epoch, AnomalyCode.counter).where(*of_row).order_by(*in_order).limit(1).lateral("first_code")
    wanted = (
        select(Row, first.c.epoch, first.c.counter)
        .outerjoin(first, true())
        .where(Row.tenant_id == tenant_id, Row.detected_at.is_not(None))
        .order_by(Row.detected_at, Row.id)
    )
    if kinds:
        wanted = wanted.where(Row.kind.in_([kind.value for kind in kinds]))
    for row, epoch, counter in session.execute(wanted.execution_options(yield_per=EXPORT_ROWS_AT_ONCE)):
        yield _anomaly(row), None if epoch is None else (epoch, counter)


def _subjects(session: Session, *, tenant_id: int, epoch: int, counter: int) -> list[str]:
    order = orders.at(session, tenant_id=tenant_id, epoch=epoch, counter=counter)
    if order is None:
        return []
    held = holders.of_orders(session, tenant_id=tenant_id, order_ids=[order.id]).of(order.id, counter)
    return [suspicions.order_subject(order.id), *(suspicions.package_subject(package_id) for package_id in held)]


def _shown(tenant_id: int) -> Select[Row]:
    return select(Row).where(Row.tenant_id == tenant_id, Row.detected_at.is_not(None))


def _position(cursor: str) -> tuple[datetime, UUID]:
    at, _, anomaly_id = cursor.partition("_")
    try:
        instant = datetime.fromisoformat(at)
        position = instant, UUID(anomaly_id)
    except ValueError as error:
        raise CursorMalformed from error
    if instant.tzinfo is None:
        raise CursorMalformed
    return position


def _anomaly(row: Row) -> Anomaly:
    assert row.detected_at is not None  # noqa: S101 - every query here asks for it
    evidence: Mapping[str, Any] = row.evidence
    return Anomaly(
        id=row.id,
        kind=AnomalyKind(row.kind),
        subject=row.subject,
        severity=Severity(row.severity),
        state=AnomalyState(row.state),
        score=row.score,
        order_id=row.order_id,
        package_id=row.package_id,
        distributor_id=row.distributor_id,
        gtin=row.gtin,
        lot=row.lot,
        division=row.division,
        scans=row.scans,
        codes=row.codes,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        detected_at=row.detected_at,
        reasons=evidence.get("reasons", {}),
        packages={UUID(package_id): scans for package_id, scans in evidence.get("packages", {}).items()},
        places=evidence.get("places", {}),
        serials=tuple(evidence.get("serials", ())),
        samples=tuple((datetime.fromisoformat(at), UUID(scan_id)) for at, scan_id in evidence.get("scans", ())),
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        close_reason=row.close_reason,
        scans_since_close=row.scans - row.scans_at_close if row.closed_at is not None else 0,
    )
