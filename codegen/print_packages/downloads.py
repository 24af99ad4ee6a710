"""Downloads of print packages: each is written down with who and from where, and there are only so many.

Promises: downloads of one package are numbered without gaps, and two at once never share a number; a refused one leaves no line. Refuses
downloads above the package's limit, and packages that are not finished. Manifests are not counted: they hold no codes.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from codegen.print_packages import packages
from codegen.print_packages.package_models import Package, PackageDownload
from kit.refusals import Forbidden

ADDRESS_LENGTH_MAX = 64
ACTOR_LENGTH_MAX = 200


class DownloadsUsedUp(Forbidden):
    code = "downloads_used_up"
    says = "Package {package_id} was fetched {downloads_max} times, which is its limit."


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    number: int
    fetched_by: str
    address: str
    at: datetime


def take(
    session: Session, package_id: UUID, *, tenant_id: int, objects_dir: Path, address: str, now: datetime, actor: str
) -> Path:
    """The file to hand out, once the transaction has committed."""
    file = packages.file_of(session, package_id, tenant_id=tenant_id, objects_dir=objects_dir)
    # The package's row puts downloads in line, so that the last permitted one is given once.
    downloads_max = session.scalars(
        select(Package.downloads_max).where(Package.tenant_id == tenant_id, Package.id == package_id).with_for_update()
    ).one()
    number = _count(session, package_id, tenant_id=tenant_id) + 1
    if number > downloads_max:
        raise DownloadsUsedUp(package_id=package_id, downloads_max=downloads_max)
    session.add(
        PackageDownload(
            tenant_id=tenant_id,
            package_id=package_id,
            number=number,
            fetched_by=actor[:ACTOR_LENGTH_MAX],
            address=address[:ADDRESS_LENGTH_MAX],
            at=now,
        )
    )
    session.flush()
    return file


def listing(session: Session, package_id: UUID, *, tenant_id: int) -> list[Download]:
    rows = session.scalars(
        select(PackageDownload)
        .where(PackageDownload.tenant_id == tenant_id, PackageDownload.package_id == package_id)
        .order_by(PackageDownload.number)
    )
    return [Download(number=row.number, fetched_by=row.fetched_by, address=row.address, at=row.at) for row in rows]


def _count(session: Session, package_id: UUID, *, tenant_id: int) -> int:
    return session.scalars(
        select(func.count()).where(PackageDownload.tenant_id == tenant_id, PackageDownload.package_id == package_id)
    ).one()
