"""The watch over new scans: a projection of the ingester, which writes anomalies in the transaction that stores the scans.

Promises: a scan counts once, however often its batch is read again; however many scans one cause has, and however many ingesters meet
them at once, it stays one anomaly with a growing count; numbers do not depend on the order of scans, and what is kept beside them are
the earliest. Staff are told once, when it is found. Costs nothing where no scan is strange. Samples have limits: a flood of scans makes
no flood of rows. Scans outlive what they are about: after a backup was restored the log still holds scans of orders and brands that are gone,
and none of them may keep the others from being stored.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import brands, orders
from codegen.orders import CodeOrder, OrderUnknown
from codegen.print_packages import holders
from kit import ids, outbox
from scanservice.anomalies import suspicions
from scanservice.anomalies.anomaly_models import Anomaly, AnomalyCode
from scanservice.anomalies.suspicions import AnomalyKind, Severity, Suspicion
from scanservice.ingest.records import News, ScanRow

TOPIC: Final = "anomaly.found"  # outbox entries: {"anomaly_id": ...}
# What is known without a doubt; statistics of later kinds give less.
CERTAIN: Final = 1.0
SCANS_KEPT_MAX: Final = 20
SERIALS_KEPT_MAX: Final = 20
CODES_KEPT_MAX: Final = 200
PLACES_KEPT_MAX: Final = 500

_Code = tuple[int, int]


@dataclass(slots=True)
class _Heap:
    """The suspicions of one batch that share a kind and a subject."""

    first: Suspicion
    all: list[Suspicion] = field(default_factory=list)

    def codes(self) -> dict[_Code, list[datetime]]:
        by_code: dict[_Code, list[datetime]] = {}
        for one in self.all:
            if one.row.epoch is not None and one.row.counter is not None:
                by_code.setdefault((one.row.epoch, one.row.counter), []).append(one.row.scanned_at)
        return by_code


def watch(session: Session, tenant_id: int, scans: News, /) -> None:
    rows = suspicions.strange(scans.having(suspicions.STRANGE))
    if not rows or tenant_id not in brands.tenant_ids(session):
        return
    ordered = _orders(session, tenant_id, {row.order_id for row in rows if row.order_id is not None})
    held = holders.of_orders(session, tenant_id=tenant_id, order_ids=ordered.keys())
    heaps: dict[tuple[AnomalyKind, str], _Heap] = {}
    for one in suspicions.suspect(_without_late_orders(session, tenant_id, rows, ordered), orders=ordered, holders=held):
        heaps.setdefault((one.kind, one.subject), _Heap(one)).all.append(one)
    # One order for all, so that two ingesters never wait for each other's anomalies.
    for key in sorted(heaps):
        _add(session, tenant_id, heaps[key])


def _orders(session: Session, tenant_id: int, order_ids: Iterable[UUID]) -> dict[UUID, CodeOrder]:
    """Those of them that are there."""
    found: dict[UUID, CodeOrder] = {}
    for order_id in order_ids:
        with suppress(OrderUnknown):
            found[order_id] = orders.find(session, order_id, tenant_id=tenant_id)
    return found


def _without_late_orders(
    session: Session, tenant_id: int, rows: Sequence[ScanRow], ordered: Mapping[UUID, CodeOrder]
) -> Sequence[ScanRow]:
    """Drops codes that an edge had no range for although somebody had ordered them: it had not heard of the order yet.

    And codes of a lost order whose counters another order has been given since: somebody did order them.
    """
    if not any(suspicions.is_unordered(row, ordered) for row in rows):
        return rows
    every = orders.every(session, tenant_id=tenant_id)
    return [
        row
        for row in rows
        if not suspicions.is_unordered(row, ordered)
        or orders.holding(every, epoch=row.epoch or 0, counter=row.counter or 0) is None
    ]


def _add(session: Session, tenant_id: int, heap: _Heap) -> None:
    row = _locked(session, tenant_id, heap)
    times = [one.row.scanned_at for one in heap.all]
    row.scans += len(heap.all)
    row.first_seen_at = min(row.first_seen_at, *times)
    row.last_seen_at = max(row.last_seen_at, *times)
    row.evidence = merged(row.evidence, heap.all)
    row.division = _most(row.evidence["places"])
    if any(one.severity is Severity.HIGH for one in heap.all):
        row.severity = Severity.HIGH.value
    row.codes = _add_codes(session, row, heap.codes())
    if row.detected_at is None and row.scans >= heap.first.scans_min:
        # The instant of the latest scan, not of the ingester's clock: what is rebuilt tomorrow was detected today.
        row.detected_at = row.last_seen_at
        outbox.put(session, tenant_id=tenant_id, topic=TOPIC, payload={"anomaly_id": str(row.id)}, now=row.detected_at)
    session.flush()


def _locked(session: Session, tenant_id: int, heap: _Heap) -> Anomaly:
    """The row of this cause, made where there was none, held until the scans are committed."""
    first, at = heap.first, heap.first.row.scanned_at
    session.execute(
        insert(Anomaly)
        .values(
            tenant_id=tenant_id,
            id=ids.uuid7(at),
            kind=first.kind.value,
            subject=first.subject,
            severity=first.severity.value,
            state="new",
            score=CERTAIN,
            order_id=first.order_id,
            package_id=first.holders[0] if first.holders else None,
            gtin=first.row.gtin if first.order_id else "",
            lot=first.lot,
            scans=0,
            codes=0,
            first_seen_at=at,
            last_seen_at=at,
            evidence={},
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "kind", "subject"])
    )
    return session.scalars(
        select(Anomaly)
        .where(Anomaly.tenant_id == tenant_id, Anomaly.kind == first.kind.value, Anomaly.subject == first.subject)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def merged(evidence: Mapping[str, Any], new: Sequence[Suspicion]) -> dict[str, Any]:
    """Counts by reason, package and place; the earliest scans; the first serials in the order of the alphabet. Pure."""
    reasons = Counter(evidence.get("reasons", {}))
    packages = Counter(evidence.get("packages", {}))
    places = Counter(evidence.get("places", {}))
    scans = {tuple(one) for one in evidence.get("scans", ())}
    serials = set(evidence.get("serials", ()))
    for one in new:
        reasons[one.reason] += 1
        packages.update(str(package_id) for package_id in one.holders)
        known = one.row.division in places or len(places) < PLACES_KEPT_MAX
        places[one.row.division if known else ""] += 1
        scans.add((one.row.scanned_at.isoformat(), str(one.row.scan_id)))
        if one.row.serial:
            serials.add(one.row.serial)
    return {
        "reasons": dict(reasons),
        "packages": dict(packages),
        "places": dict(places),
        "scans": [list(one) for one in sorted(scans)[:SCANS_KEPT_MAX]],
        "serials": sorted(serials)[:SERIALS_KEPT_MAX],
    }


def _most(places: Mapping[str, int]) -> str:
    """The division with most scans; of equals the first by its code. Empty where no scan had a place."""
    known = [(-scans, division) for division, scans in places.items() if division]
    return min(known)[1] if known else ""


def _add_codes(session: Session, row: Anomaly, codes: Mapping[_Code, Sequence[datetime]]) -> int:
    """Adds to the codes of this anomaly and returns how many are kept now."""
    if not codes:
        return row.codes
    of_row = (AnomalyCode.tenant_id == row.tenant_id, AnomalyCode.anomaly_id == row.id)
    there = {
        (epoch, counter)
        for epoch, counter in session.execute(
            select(AnomalyCode.epoch, AnomalyCode.counter).where(
                *of_row, tuple_(AnomalyCode.epoch, AnomalyCode.counter).in_(list(codes))
            )
        )
    }
    new = sorted(codes.keys() - there)[: CODES_KEPT_MAX - row.codes]
    added = insert(AnomalyCode).values(
        [
            {
                "tenant_id": row.tenant_id,
                "anomaly_id": row.id,
                "epoch": epoch,
                "counter": counter,
                "scans": len(codes[epoch, counter]),
                "first_seen_at": min(codes[epoch, counter]),
                "last_seen_at": max(codes[epoch, counter]),
            }
            for epoch, counter in sorted({*there, *new})
        ]
    )
    if there or new:
        session.execute(
            added.on_conflict_do_update(
                index_elements=["tenant_id", "anomaly_id", "epoch", "counter"],
                set_={
                    "scans": AnomalyCode.scans + added.excluded.scans,
                    "first_seen_at": func.least(AnomalyCode.first_seen_at, added.excluded.first_seen_at),
                    "last_seen_at": func.greatest(AnomalyCode.last_seen_at, added.excluded.last_seen_at),
                },
            )
        )
    return row.codes + len(new)
