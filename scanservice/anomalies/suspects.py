"""Who had the list that got out: recipients, parts and operators of the packages of a leak; where there are none, who made files of the order.

Promises: names everybody on record who held a scanned code, with how many of the scans each can explain; whoever explains most comes
first, of equals the first print before reprints. Refuses to accuse: where nothing was given out on record it names nobody, and says so by
being empty.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from codegen import orders
from codegen.code_lists import exports
from codegen.code_lists.exports import Export
from codegen.orders import CodeOrder
from codegen.print_packages import downloads, packages
from codegen.print_packages.downloads import Download
from codegen.print_packages.packages import Package, Printing
from scanservice.anomalies import anomalies
from scanservice.anomalies.anomalies import Anomaly


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A recipient's part that holds `scans` of the scanned codes; the operators are who asked for it and who fetched it."""

    package: Package
    scans: int
    downloads: tuple[Download, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """`exports` are named only where no package was made: files that staff made of the scanned rows."""

    order: CodeOrder | None = None
    packages: tuple[Suspect, ...] = ()
    exports: tuple[Export, ...] = ()

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.package.recipient for one in self.packages))


def of(session: Session, anomaly: Anomaly, *, tenant_id: int) -> Suspects:
    if anomaly.order_id is None:
        return Suspects()
    order = orders.find(session, anomaly.order_id, tenant_id=tenant_id)
    if not anomaly.packages:
        return Suspects(order=order, exports=_exports(session, anomaly, order, tenant_id=tenant_id))
    named = [_suspect(session, package_id, scans, tenant_id=tenant_id) for package_id, scans in anomaly.packages.items()]
    named.sort(key=lambda one: (-one.scans, one.package.printing is Printing.REPRINT, one.package.created_at, one.package.id))
    return Suspects(order=order, packages=tuple(named))


def _suspect(session: Session, package_id: UUID, scans: int, *, tenant_id: int) -> Suspect:
    return Suspect(
        package=packages.find(session, package_id, tenant_id=tenant_id),
        scans=scans,
        downloads=tuple(downloads.listing(session, package_id, tenant_id=tenant_id)),
    )


def _exports(session: Session, anomaly: Anomaly, order: CodeOrder, *, tenant_id: int) -> tuple[Export, ...]:
    """Files that hold at least one of the scanned rows, made before it was scanned; the first made first."""
    scanned = [
        (order.row_of(code.counter), code.last_seen_at) for code in anomalies.codes(session, anomaly.id, tenant_id=tenant_id)
    ]

    def explains(export: Export) -> bool:
        return any(_had(export, row, until=at) for row, at in scanned)

    made = [export for export in exports.of_order(session, order.id, tenant_id=tenant_id) if explains(export)]
    return tuple(sorted(made, key=lambda export: (export.created_at, export.id)))


def _had(export: Export, row: int, *, until: datetime) -> bool:
    return export.first <= row <= export.last and export.created_at <= until
