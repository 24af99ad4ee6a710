"""`time,url,visitor_id,ip,latitude,longitude,accuracy_m,user_agent`: the scan history of another platform.

Promises: every row is read and checked before the first is loaded; then rows and projections are one commit. Scans of codes that we
never made are kept as scans of counterfeits. Refuses the whole file for one bad row, and names it, and for scans of a month that was dropped.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

import numpy as np
from sqlalchemy.orm import Session

from kit.csv_files import Faults, Limits, Reader
from scanservice.catalogue import weights_of
from scanservice.ingest.backfill import Backfill, PastScan
from scanservice.ingest.records import Projection
from supplychain import geography
from web.imports import past_scans, table
from web.imports.past_scans import HEADER, Context
from web.imports.table import Loaded, Progress

KIND: Final = "scans"
LIMITS: Final = Limits(bytes_max=8 << 30, rows_max=20_000_000)
STAGED_ROWS: Final = 20_000


def stage(session: Session, file: BinaryIO, *, context: Context, progress: Progress = table.silent) -> tuple[Backfill, Reader]:
    """Reads and checks the whole file into a temporary table of this transaction, or refuses it."""
    tenant_id = context.catalogue.tenant_id
    reader, faults = table.begin(session, file, tenant_id=tenant_id, kind=KIND, header=HEADER, limits=LIMITS)
    backfill = Backfill(session, tenant_id=tenant_id)
    for scans in _read(reader, context, faults):
        # After the first fault nothing will be loaded; the rest is read for its faults alone.
        if not faults.total:
            backfill.stage(located(scans))
        progress("checked", reader.rows_read)
    faults.refuse()
    backfill.refuse_dropped()
    return backfill, reader


def load(
    session: Session,
    backfill: Backfill,
    reader: Reader,
    *,
    context: Context,
    projections: Sequence[Projection],
    progress: Progress = table.silent,
) -> Loaded:
    """Judges and records what was staged."""
    weights = {gtin: weights_of(product) for gtin, product in context.catalogue.products.items()}
    new = backfill.load(projections=projections, weights=weights, progress=lambda rows: progress("recorded", rows))
    loaded = Loaded(kind=KIND, rows=reader.rows_read, rows_new=new)
    return table.finish(session, loaded, tenant_id=context.catalogue.tenant_id, reader=reader, now=context.now)


def located(scans: Sequence[PastScan]) -> Iterator[PastScan]:
    """The same scans with the divisions that their positions lie in."""
    nowhere = float("nan")
    latitudes = np.array([nowhere if scan.latitude is None else scan.latitude for scan in scans])
    longitudes = np.array([nowhere if scan.longitude is None else scan.longitude for scan in scans])
    divisions = geography.locate_many(latitudes, longitudes).tolist()
    for scan, division in zip(scans, divisions, strict=True):
        yield scan._replace(division=division) if division else scan


def _read(reader: Reader, context: Context, faults: Faults) -> Iterator[list[PastScan]]:
    scans: list[PastScan] = []
    for row in reader.rows(faults):
        scan = past_scans.read(row, context, faults)
        if scan is not None:
            scans.append(scan)
        if len(scans) == STAGED_ROWS:
            yield scans
            scans = []
    yield scans
