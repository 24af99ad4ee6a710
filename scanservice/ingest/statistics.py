"""Scans by day, product, division and verdict: what the dashboard adds up instead of counting the log.

Promises: added to in the transaction that stores the scans, so the sums are exact however often a batch is read again. A
confirmation moves its scan to the final verdict and place. Days are those of UTC.
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from scanservice.ingest.records import NEWS, News

# Cells are written in one order by all, so that of two ingesters one waits for the other and no two for each other.
_ADD: Final = text(f"""
INSERT INTO scan_total (tenant_id, day, gtin, division, verdict, scans, confirmed)
SELECT :tenant_id, day, gtin, division, verdict, sum(scans), sum(confirmed)
  FROM (SELECT (scanned_at AT TIME ZONE 'UTC')::date AS day, gtin, division, verdict, count(*) AS scans, count(confirmed_at) AS confirmed
          FROM {NEWS} WHERE tenant_id = :tenant_id
         GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT (scanned_at AT TIME ZONE 'UTC')::date, gtin, old_division, old_verdict, -count(*), 0
          FROM {NEWS} WHERE tenant_id = :tenant_id AND old_verdict IS NOT NULL
         GROUP BY 1, 2, 3, 4) AS moved
 GROUP BY day, gtin, division, verdict
HAVING sum(scans) <> 0 OR sum(confirmed) <> 0
 ORDER BY day, gtin, division, verdict
    ON CONFLICT (tenant_id, day, gtin, division, verdict)
    DO UPDATE SET scans = scan_total.scans + excluded.scans, confirmed = scan_total.confirmed + excluded.confirmed
""")


def project(session: Session, tenant_id: int, _scans: News, /) -> None:
    session.execute(_ADD, {"tenant_id": tenant_id})
