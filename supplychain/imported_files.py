"""Files that were loaded whole, by their SHA-256: a ledger for people, and the lock that puts imports of one brand and kind in line.

Promises: `lock` lets one import of a brand and kind run at a time, so that two never wait for each other's rows; a file loaded again
keeps its first entry.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from supplychain.models import ImportedFile as ImportedFileRow

LISTED_MAX = 100
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    kind: str
    sha256: bytes
    rows: int
    rows_new: int
    imported_at: datetime


def lock(session: Session, *, tenant_id: int, kind: str) -> None:
    """Until the end of the transaction."""
    session.execute(_LOCK, {"what": f"import {tenant_id} {kind}"})


def remember(session: Session, *, tenant_id: int, kind: str, sha256: bytes, rows: int, rows_new: int, now: datetime) -> None:
    session.execute(
        insert(ImportedFileRow)
        .values(tenant_id=tenant_id, kind=kind, sha256=sha256, rows=rows, rows_new=rows_new, imported_at=now)
        .on_conflict_do_nothing()
    )


def latest(session: Session, *, tenant_id: int, limit: int = LISTED_MAX) -> tuple[ImportedFile, ...]:
    rows = session.scalars(
        select(ImportedFileRow)
        .where(ImportedFileRow.tenant_id == tenant_id)
        .order_by(ImportedFileRow.imported_at.desc(), ImportedFileRow.sha256)
        .limit(limit)
    )
    return tuple(
        ImportedFile(kind=row.kind, sha256=row.sha256, rows=row.rows, rows_new=row.rows_new, imported_at=row.imported_at)
        for row in rows
    )
