"""What the worker does now and then so that an instance stays small and ready: months of the scan log, retention, old files.

Promises: small transactions, one for each step; every job may run twice, or end in the middle, and goes on from there the next time. None
works longer than RUN_MAX at once, because whoever waits for a text message waits for the same worker.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from codegen import brands
from codegen.code_lists import old_files
from kit import log
from scanservice.ingest import dropping, months, retention
from scanservice.ingest.dropping import MonthBusy
from scanservice.ingest.retention import Subject
from web.instance import Instance

RUN_MAX: Final = timedelta(seconds=20)

_log = log.get(__name__)


def make_months(onemark: Instance) -> None:
    with onemark.transaction(None) as session:
        months.make_ahead(session, now=onemark.clock.now())


def drop_months(onemark: Instance) -> int | None:
    """The oldest month of the scan log, where it is older than this instance keeps them. Returns how many scans went, None where none did."""
    kept, began = onemark.settings.scans_kept_months, onemark.clock.now()
    if not kept:
        return None
    with onemark.transaction(None) as session:
        month = dropping.due(session, kept=kept, now=began)
        if month is None or dropping.behind(session, onemark.redis, now=began):
            return None
    while onemark.clock.now() - began < RUN_MAX:
        if dropping.step(onemark.engine, month=month):
            continue
        try:
            gone = dropping.finish(onemark.engine, month=month)
        except MonthBusy as busy:
            _log.warning("a month of the scan log stays for now", why=busy.detail)
            return None
        if gone is not None:
            _log.info("a month of the scan log is dropped", month=f"{month:%Y-%m}", scans=gone)
        return gone
    return None


def forget_whereabouts(onemark: Instance) -> int:
    """Addresses and exact positions of old scans. Returns how many scans had them."""
    settings = onemark.settings
    kept_days = {Subject.ADDRESSES: settings.addresses_kept_days, Subject.POSITIONS: settings.positions_kept_days}
    done = 0
    for subject, days in kept_days.items():
        if not days:
            continue

        def step(session: Session, tenant_id: int, before: datetime, subject: Subject = subject) -> bool:
            nonlocal done
            found = retention.forget(session, subject, tenant_id=tenant_id, before=before, rows_max=retention.ROWS_AT_ONCE)
            done += found
            return found == retention.ROWS_AT_ONCE

        _everywhere(onemark, days, step)
    return done


def remove_files(onemark: Instance) -> int:
    """Finished exports and print packages that are old. Returns how many."""
    days, done = onemark.settings.files_kept_days, 0
    if not days:
        return 0

    def step(session: Session, tenant_id: int, before: datetime) -> bool:
        nonlocal done
        found = old_files.remove(session, tenant_id=tenant_id, before=before, objects_dir=onemark.settings.objects_dir)
        done += found
        return found > 0

    _everywhere(onemark, days, step)
    return done


def _everywhere(onemark: Instance, days: int, step: Callable[[Session, int, datetime], bool]) -> None:
    """Repeats the step in each brand for as long as it says that there is more."""
    now = onemark.clock.now()
    with onemark.transaction(None) as session:
        tenant_ids = brands.tenant_ids(session)
    for tenant_id in tenant_ids:
        more = True
        while more and onemark.clock.now() - now < RUN_MAX:
            with onemark.transaction(tenant_id) as session:
                more = step(session, tenant_id, now - timedelta(days=days))
