"""Scans as the ingester stores them, projections included."""

import re
from datetime import datetime

from sqlalchemy import insert, text

from kit.db import transaction
from kit.ids import uuid7
from scanservice.ingest import kept_states, records
from scanservice.ingest.records import ScanRow
from scanservice.models import ScanMonth
from scanservice.verdicts import Role, Verdict
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from web import projecting

PUDONG, XIHU = "310115", "330106"


def scan(
    database: Database,
    brand: Furnished,
    *,
    row: int = 1,
    at: datetime = NOW,
    verdict: Verdict = Verdict.GENUINE_FIRST,
    division: str = PUDONG,
    confirmed: bool = True,
    visitor: bytes = b"visitor!",
    whence: bytes = b"net\x00\x00",
) -> None:
    """Somebody scanned the code in row `row` of the brand's order."""
    made = ScanRow(
        tenant_id=brand.tenant_id,
        scan_id=uuid7(at),
        scanned_at=at,
        confirmed_at=at if confirmed else None,
        epoch=brand.cipher.epoch,
        counter=brand.first_counter + row - 1,
        order_id=brand.order_id,
        gtin=brand.gtin,
        lot=brand.lot,
        serial="",
        verdict=verdict,
        reasons=(),
        role=Role.CONSUMER,
        visitor=visitor,
        whence=whence,
        ip="203.0.113.77",
        latitude=None,
        longitude=None,
        accuracy_m=None,
        division=division,
        client="wechat",
        language="zh",
        source="live",
    )
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        records.store(session, [made], projections=projecting.PROJECTIONS)


def words_of(page: str) -> str:
    """What a reader sees, in one line."""
    return " ".join(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL).split())


def drop_scans(database: Database, brand: Furnished, *, since: datetime, until: datetime) -> None:
    """As when their month is dropped: what they did to their codes is kept, and the day of the last is said."""
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        kept_states.fold(session, tenant_id=brand.tenant_id, since=since, until=until)
        month = {"tenant_id": brand.tenant_id, "month": since.date().replace(day=1), "folded_until": until, "dropped": 1}
        session.execute(insert(ScanMonth).values(**month))
    with transaction(database.owner_engine, tenant_id=brand.tenant_id) as session:
        session.execute(
            text("DELETE FROM scan WHERE scanned_at >= :since AND scanned_at < :until"), {"since": since, "until": until}
        )
