"""Scans by day, product, division and verdict: what the dashboard adds up instead of counting the log.

Promises: added to in the transaction that stores the scans, so the sums are exact however often a batch is read again. A
confirmation moves its scan to the final verdict and place. Days are those of UTC.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from scanservice.ingest.records import NewScan

_ADD: Final = text("""
INSERT INTO scan_total (tenant_id, day, gtin, division, verdict, scans, confirmed)
SELECT :tenant_id, n.day, n.gtin, n.division, n.verdict, n.scans, n.confirmed
  FROM unnest(CAST(:days AS date[]), CAST(:gtins AS text[]), CAST(:divisions AS text[]), CAST(:verdicts AS text[]),
              CAST(:scans AS bigint[]), CAST(:confirmed AS bigint[]))
       AS n (day, gtin, division, verdict, scans, confirmed)
ON CONFLICT (tenant_id, day, gtin, division, verdict)
DO UPDATE SET scans = scan_total.scans + excluded.scans, confirmed = scan_total.confirmed + excluded.confirmed
""")

_Cell = tuple[date, str, str, str]


def project(session: Session, tenant_id: int, scans: Sequence[NewScan], /) -> None:
    added: dict[_Cell, list[int]] = defaultdict(lambda: [0, 0])
    for scan in scans:
        row = scan.row
        day = row.scanned_at.date()
        cell = (day, row.gtin, row.division, row.verdict)
        if scan.before is not None:
            added[(day, row.gtin, scan.before.division, scan.before.verdict)][0] -= 1
        added[cell][0] += 1
        added[cell][1] += scan.newly_confirmed
    # One order for all, so that two ingesters never wait for each other's cells.
    cells = sorted(cell for cell, (scanned, confirmed) in added.items() if scanned or confirmed)
    if not cells:
        return
    session.execute(
        _ADD,
        {
            "tenant_id": tenant_id,
            "days": [cell[0] for cell in cells],
            "gtins": [cell[1] for cell in cells],
            "divisions": [cell[2] for cell in cells],
            "verdicts": [cell[3] for cell in cells],
            "scans": [added[cell][0] for cell in cells],
            "confirmed": [added[cell][1] for cell in cells],
        },
    )
