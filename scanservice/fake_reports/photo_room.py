"""Room for the photos of reports: what a brand takes in a day and keeps in all, so that no crowd of addresses fills the disk.

Promises: counted from the photos' own rows, one report of a brand at a time, so that two that are sent at once never share the last of the
room; what is deleted makes room again. Says so before a file is written.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scanservice.fake_reports.report_models import FakeReport, FakeReportPhoto

# A photo as it is kept has about 0.7 MB: a few hundred of them a day, and more than twenty thousand in all.
BYTES_OF_DAY_MAX: Final = 256 << 20
BYTES_KEPT_MAX: Final = 16 << 30
DAY: Final = timedelta(days=1)
# From here on staff are told in the inbox.
SHORT_PERCENT: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """`of_day` came within the last 24 hours; `kept` is everything."""

    of_day: int
    kept: int

    @property
    def is_short(self) -> bool:
        return self.of_day * 100 >= BYTES_OF_DAY_MAX * SHORT_PERCENT or self.kept * 100 >= BYTES_KEPT_MAX * SHORT_PERCENT


def take(session: Session, *, tenant_id: int, photo_bytes: int, now: datetime) -> bool:
    """Is there room? Until this transaction ends, no other report of the brand takes any."""
    name = f"fake_report_photos:{tenant_id}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    # A statement of its own: it sees what was committed while we waited for the lock.
    taken = used(session, tenant_id=tenant_id, now=now)
    return taken.of_day + photo_bytes <= BYTES_OF_DAY_MAX and taken.kept + photo_bytes <= BYTES_KEPT_MAX


def used(session: Session, *, tenant_id: int, now: datetime) -> Used:
    size = func.sum(FakeReportPhoto.size_bytes)
    of_day, kept = session.execute(
        select(func.coalesce(size.filter(FakeReport.received_at > now - DAY), 0), func.coalesce(size, 0))
        .join(FakeReport, (FakeReport.tenant_id == FakeReportPhoto.tenant_id) & (FakeReport.id == FakeReportPhoto.report_id))
        .where(FakeReportPhoto.tenant_id == tenant_id)
    ).one()
    return Used(of_day=int(of_day), kept=int(kept))
