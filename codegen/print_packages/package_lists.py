"""Who had what: the packages of a brand, newest first, of everybody or of one recipient.

Promises: pages by cursor, which neither skip nor repeat a package while others are added. Refuses cursors that it did not make.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from codegen.print_packages import packages
from codegen.print_packages.package_models import Package as Row
from codegen.print_packages.package_models import PackageDownload
from codegen.print_packages.packages import Package
from kit.refusals import Malformed

PAGE_ROWS = 50
_BETWEEN = "~"


class PackageCursorMalformed(Malformed):
    code = "package_cursor_malformed"
    says = "This page of packages does not exist."


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    packages: list[Package]
    following: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one recipient was given: packages, and codes in first prints."""

    packages: int
    codes: int


def page(session: Session, *, tenant_id: int, recipient_id: UUID | None = None, cursor: str | None = None) -> Page:
    wanted = select(Row).where(Row.tenant_id == tenant_id)
    if recipient_id is not None:
        wanted = wanted.where(Row.recipient_id == recipient_id)
    if cursor:
        wanted = wanted.where(tuple_(Row.created_at, Row.id) < tuple_(*_place(cursor)))
    rows = session.scalars(wanted.order_by(Row.created_at.desc(), Row.id.desc()).limit(PAGE_ROWS + 1)).all()
    last = rows[PAGE_ROWS - 1] if len(rows) > PAGE_ROWS else None
    return Page(
        packages=[packages.of_row(session, row) for row in rows[:PAGE_ROWS]],
        following=None if last is None else f"{last.created_at.isoformat()}{_BETWEEN}{last.id}",
    )


def given(session: Session, *, tenant_id: int) -> dict[UUID, Given]:
    """By recipient."""
    size = Row.last_counter - Row.first_counter + 1
    first_prints = func.coalesce(func.sum(size).filter(~Row.reprint, Row.content == "codes"), 0)
    rows = session.execute(
        select(Row.recipient_id, func.count(), first_prints).where(Row.tenant_id == tenant_id).group_by(Row.recipient_id)
    )
    return {recipient_id: Given(packages=count, codes=int(codes)) for recipient_id, count, codes in rows}


def fetched(session: Session, package_ids: list[UUID], *, tenant_id: int) -> dict[UUID, int]:
    """How often each was fetched; those that never were are left out."""
    rows = session.execute(
        select(PackageDownload.package_id, func.count())
        .where(PackageDownload.tenant_id == tenant_id, PackageDownload.package_id.in_(package_ids))
        .group_by(PackageDownload.package_id)
    )
    return {package_id: count for package_id, count in rows}  # noqa: C416 - rows are no pairs to dict()


def _place(cursor: str) -> tuple[datetime, UUID]:
    created_at, _, package_id = cursor.partition(_BETWEEN)
    try:
        place = datetime.fromisoformat(created_at), UUID(package_id)
    except ValueError as error:
        raise PackageCursorMalformed from error
    if place[0].tzinfo is None:
        raise PackageCursorMalformed
    return place
