"""What the ingester writes beside each new scan row, in the same transaction: totals by day, what each visitor did, anomalies.

scanservice and crm do not know each other; here the scans of one become the visitor scans of the other.
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP
from sqlalchemy.orm import Session
from sqlalchemy.types import Boolean

from crm import profile
from scanservice.anomalies import watching
from scanservice.ingest import statistics
from scanservice.ingest.records import NEWS, News, Projection

_VISITOR_SCANS: Final = text(f"""
SELECT visitor, scanned_at, old_verdict IS NULL AS new, confirmed_at IS NOT NULL AS confirmed
  FROM {NEWS} WHERE tenant_id = :tenant_id AND visitor <> ''
""").columns(visitor=BYTEA, scanned_at=TIMESTAMP(timezone=True), new=Boolean, confirmed=Boolean)


def visitors(session: Session, tenant_id: int, _scans: News, /) -> None:
    profile.project_visitors(session, tenant_id=tenant_id, scans=_VISITOR_SCANS.bindparams(tenant_id=tenant_id))


# Totals last: many scans share their cells, and another ingester waits for those until we commit.
PROJECTIONS: tuple[Projection, ...] = (watching.watch, visitors, statistics.project)
