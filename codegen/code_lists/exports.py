"""Files of codes made in the background for the console: asked for once, written in steps, ready for download.

Promises: each step is one transaction that says how far the file is on disk; whoever goes on after a crash cuts the file back to what
was said and writes the same bytes again, so a resumed file equals an undisturbed one. Two workers on one export: the second finds it
busy. A file appears under its final name only when it is whole. Refuses the same export id for other rows.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import brands, models, orders
from codegen.cipher import SerialCipher
from codegen.code_lists import listing
from codegen.code_lists.listing import HEADER, Layout
from codegen.keys import keyring
from codegen.lifecycle.ranges import checked_rows
from kit import outbox
from kit.refusals import Conflict, NotFound

TOPIC = "codegen.export"  # outbox entries: {"export_id": ...}
ROWS_PER_STEP = 1 << 20  # under a second of work and 150 MB between two commits
SIGNED_ROW_COST = 32  # a signed row takes as long as so many others
ERROR_CHARS_MAX = 500
PAGE_ROWS_MAX = 200
STUCK_AFTER = timedelta(minutes=2)

_FOLDER = "exports"


class ExportState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class ExportUnknown(NotFound):
    code = "export_unknown"
    says = "This brand has no export {export_id}."


class ExportDiffers(Conflict):
    code = "export_differs"
    says = "Export {export_id} was asked for before, with other rows or of another order."


class ExportNotReady(Conflict):
    code = "export_not_ready"
    says = "Export {export_id} is {state}; there is no file yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """`first` and `last` are rows of the order, counted from 1."""

    id: UUID
    order_id: UUID
    state: ExportState
    first: int
    last: int
    rows_done: int
    rows_total: int
    file_name: str
    error: str
    requested_by: str
    created_at: datetime
    updated_at: datetime

    @property
    def finished(self) -> bool:
        return self.state in {ExportState.READY, ExportState.FAILED}


def request(
    session: Session,
    *,
    tenant_id: int,
    export_id: UUID,
    order_id: UUID,
    first: int = 1,
    last: int | None = None,
    now: datetime,
    actor: str,
) -> Export:
    """Asks for a file; the caller makes the id, and asking twice is asking once. A worker is told by the outbox."""
    order = orders.find(session, order_id, tenant_id=tenant_id)
    orders.require_issued(order)
    first, last = checked_rows(first=first, last=last, quantity=order.quantity)
    added = session.execute(
        insert(models.Export)
        .values(
            tenant_id=tenant_id,
            id=export_id,
            order_id=order_id,
            state=ExportState.QUEUED.value,
            rows_total=last - first + 1,
            file_name=f"codes-{order.lot}-{str(order_id)[-12:]}-{first}-{last}.csv",
            facts={"first": first, "last": last},
            requested_by=actor,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing()
        .returning(models.Export.id)
    ).first()
    export = find(session, export_id, tenant_id=tenant_id)
    if (export.order_id, export.first, export.last) != (order_id, first, last):
        raise ExportDiffers(export_id=export_id)
    if added is not None:
        outbox.put(session, tenant_id=tenant_id, topic=TOPIC, payload={"export_id": str(export_id)}, now=now)
    return export


def advance(
    session: Session,
    *,
    tenant_id: int,
    export_id: UUID,
    kek: bytes,
    objects_dir: Path,
    now: datetime,
    rows_max: int = ROWS_PER_STEP,
) -> Export | None:
    """One step of the work; commit after it and call again until the answer is `finished`. None: another worker is at it."""
    row = session.scalar(
        select(models.Export)
        .where(models.Export.tenant_id == tenant_id, models.Export.id == export_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        find(session, export_id, tenant_id=tenant_id)
        return None
    if row.state not in {ExportState.READY, ExportState.FAILED}:
        try:
            _write_step(session, row, kek=kek, objects_dir=objects_dir, rows_max=rows_max)
        except OSError as error:
            # A full disk does not get better by trying: say so, and give the room back.
            paths(row, objects_dir)[1].unlink(missing_ok=True)
            row.state = ExportState.FAILED
            row.error = f"{error.strerror or error}"[:ERROR_CHARS_MAX]
            row.rows_done = 0
        row.updated_at = now
        session.flush()
    return _export(row)


def retry(session: Session, *, tenant_id: int, export_id: UUID, now: datetime) -> Export:
    """Queues a failed export again, from its first row. Another state stays as it is."""
    row = session.scalar(
        select(models.Export).where(models.Export.tenant_id == tenant_id, models.Export.id == export_id).with_for_update()
    )
    if row is None:
        raise ExportUnknown(export_id=export_id)
    if row.state == ExportState.FAILED:
        row.state, row.error, row.rows_done, row.updated_at = ExportState.QUEUED, "", 0, now
        outbox.put(session, tenant_id=tenant_id, topic=TOPIC, payload={"export_id": str(export_id)}, now=now)
    return _export(row)


def find(session: Session, export_id: UUID, *, tenant_id: int) -> Export:
    row = session.get(models.Export, (tenant_id, export_id))
    if row is None:
        raise ExportUnknown(export_id=export_id)
    return _export(row)


def of_order(session: Session, order_id: UUID, *, tenant_id: int) -> list[Export]:
    """The newest exports of one order."""
    rows = session.scalars(
        select(models.Export)
        .where(models.Export.tenant_id == tenant_id, models.Export.order_id == order_id)
        .order_by(models.Export.created_at.desc(), models.Export.id)
        .limit(PAGE_ROWS_MAX)
    )
    return [_export(row) for row in rows]


def stuck(session: Session, *, tenant_id: int, now: datetime) -> list[UUID]:
    """Unfinished exports that no step has moved for a while: their worker died, and any worker may go on."""
    return list(
        session.scalars(
            select(models.Export.id)
            .where(
                models.Export.tenant_id == tenant_id,
                models.Export.state.in_([ExportState.QUEUED, ExportState.RUNNING]),
                models.Export.updated_at < now - STUCK_AFTER,
            )
            .order_by(models.Export.created_at)
            .limit(PAGE_ROWS_MAX)
        )
    )


def file_of(session: Session, export_id: UUID, *, tenant_id: int, objects_dir: Path) -> Path:
    """The finished file; `Export.file_name` is the name to offer it under."""
    row = session.get(models.Export, (tenant_id, export_id))
    if row is None:
        raise ExportUnknown(export_id=export_id)
    if row.state != ExportState.READY:
        raise ExportNotReady(export_id=export_id, state=row.state)
    return paths(row, objects_dir)[0]


def _write_step(session: Session, row: models.Export, *, kek: bytes, objects_dir: Path, rows_max: int) -> None:
    order = orders.find(session, row.order_id, tenant_id=row.tenant_id)
    cipher = keyring.cipher(session, tenant_id=row.tenant_id, epoch=order.epoch, kek=kek)
    layout = _layout(session, row, order, cipher)
    final, part = paths(row, objects_dir)
    if not part.exists() and final.exists() and final.stat().st_size == layout.bytes_of(row.rows_total, first=row.facts["first"]):
        # The file was finished, and the worker died between the rename and its commit.
        row.rows_done, row.state = row.rows_total, ExportState.READY
        return
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not part.exists() or part.stat().st_size < layout.bytes_of(row.rows_done, first=row.facts["first"]):
        row.rows_done = 0  # what was said to be on disk is not: from the start
    step = min(rows_max // SIGNED_ROW_COST if order.proofs.signed else rows_max, row.rows_total - row.rows_done)
    first = row.facts["first"] + row.rows_done
    with part.open("r+b" if part.exists() else "xb") as out:
        out.truncate(layout.bytes_of(row.rows_done, first=row.facts["first"]) if row.rows_done else 0)
        out.seek(0, os.SEEK_END)
        if not row.rows_done:
            out.write(HEADER)
        listing.write_rows(order, cipher, layout=layout, out=out, progress=_silent, first=first, last=first + step - 1)
        out.flush()
        os.fsync(out.fileno())
    row.rows_done += step
    row.state = ExportState.RUNNING
    if row.rows_done == row.rows_total:
        part.replace(final)
        row.state = ExportState.READY


def _layout(session: Session, row: models.Export, order: orders.CodeOrder, cipher: SerialCipher) -> Layout:
    """The origin is the brand's when the first row is written, and stays: one file never has two."""
    origin = row.facts.get("origin") or brands.load(session, tenant_id=row.tenant_id).scan_origin
    row.facts = {**row.facts, "origin": origin}
    return Layout.of(order, cipher, origin=origin)


def paths(row: models.Export, objects_dir: Path) -> tuple[Path, Path]:
    """Where the finished file lies, and where the unfinished one."""
    folder = objects_dir / _FOLDER / str(row.tenant_id)
    return folder / f"{row.id}.csv", folder / f"{row.id}.csv.part"


def _silent(_rows: int) -> None:
    """Progress of a background file is what the database says after each step."""


def _export(row: models.Export) -> Export:
    facts: Mapping[str, Any] = row.facts
    return Export(
        id=row.id,
        order_id=row.order_id,
        state=ExportState(row.state),
        first=facts["first"],
        last=facts["last"],
        rows_done=row.rows_done,
        rows_total=row.rows_total,
        file_name=row.file_name,
        error=row.error,
        requested_by=row.requested_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
