"""What the ingester writes beside each new scan row, in the same transaction: totals by day, and what each visitor did.

scanservice and crm do not know each other; here the scans of one become the visitor scans of the other.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from crm import profile
from scanservice.ingest import statistics
from scanservice.ingest.ingesting import NewScan, Projection


def visitors(session: Session, tenant_id: int, scans: Sequence[NewScan]) -> None:
    profile.project_visitors(
        session,
        tenant_id=tenant_id,
        scans=[
            profile.VisitorScan(
                visitor=scan.visitor, scanned_at=scan.scanned_at, confirmed=scan.newly_confirmed, new=scan.newly_inserted
            )
            for scan in scans
            if scan.visitor
        ],
    )


PROJECTIONS: tuple[Projection, ...] = (statistics.project, visitors)
