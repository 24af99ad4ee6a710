"""Strange scans as the ingester stores them, and the anomalies that they make."""

from datetime import datetime
from uuid import UUID

from kit.db import transaction
from kit.ids import uuid7
from scanservice.anomalies import anomalies
from scanservice.anomalies.anomalies import Anomaly
from scanservice.ingest import records
from scanservice.ingest.records import ScanRow
from scanservice.verdicts import Reason, Role, Standing, Verdict
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from web import projecting

_VERDICTS = {
    Standing.INACTIVE: Verdict.INACTIVE,
    Standing.NO_RANGE: Verdict.INACTIVE,
    Standing.VOID: Verdict.VOID,
    Standing.BAD_SERIAL: Verdict.COUNTERFEIT,
}


def strange_scan(
    database: Database,
    brand: Furnished,
    standing: Standing,
    *,
    row: int = 1,
    serial: str = "",
    at: datetime = NOW,
    division: str = "310115",
) -> UUID:
    """Somebody scanned row `row` of the brand's order while it stood so, or `serial`, which is nobody's."""
    ordered = not serial and standing is not Standing.NO_RANGE
    made = ScanRow(
        tenant_id=brand.tenant_id,
        scan_id=uuid7(at),
        scanned_at=at,
        confirmed_at=at,
        epoch=None if serial else brand.cipher.epoch,
        counter=None if serial else brand.first_counter + row - 1,
        order_id=brand.order_id if ordered else None,
        gtin=brand.gtin,
        lot=brand.lot if ordered else "",
        serial=serial,
        verdict=_VERDICTS[standing],
        reasons=(Reason(standing.value),),
        role=Role.CONSUMER,
        visitor=b"visitor!",
        whence=b"net\x00\x00",
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
    return made.scan_id


def found(database: Database, brand: Furnished) -> list[Anomaly]:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        return list(anomalies.every(session, tenant_id=brand.tenant_id))
