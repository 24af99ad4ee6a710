"""`time,distributor_id,lot,serial`: which lot, or which single serial (an item, a case, a pallet), went to whom and when.

Promises: distributor, lot and serial are checked against the brand's own before anything is loaded. Refuses the whole file for one bad
row: an unknown distributor, a lot that nobody ordered, a serial that we never made or that is of another lot than the row says.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO, Final

from sqlalchemy.orm import Session

from codegen import cipher
from codegen.catalogue import BrandCatalogue
from kit.csv_files import Faults, Limits, Row, shown
from supplychain import distributors, shipments
from supplychain.shipments import Shipment
from web.imports import table
from web.imports.table import Loaded, Progress, RowReader, Unreadable

KIND: Final = "shipments"
HEADER: Final = ("time", "distributor_id", "lot", "serial")
LIMITS: Final = Limits(bytes_max=256 << 20, rows_max=1_000_000)
_TIME, _DISTRIBUTOR, _LOT, _SERIAL = range(len(HEADER))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    catalogue: BrandCatalogue
    distributor_ids: frozenset[str]
    lots: frozenset[str]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    serial: str
    epoch: int
    counter: int
    lot: str


def load(
    session: Session,
    file: BinaryIO,
    *,
    tenant_id: int,
    catalogue: BrandCatalogue,
    now: datetime,
    progress: Progress = table.silent,
) -> Loaded:
    """`catalogue` is the brand's, read in this transaction."""
    reader, faults = table.begin(session, file, tenant_id=tenant_id, kind=KIND, header=HEADER, limits=LIMITS)
    known = _Known(
        catalogue=catalogue,
        distributor_ids=distributors.ids(session, tenant_id=tenant_id),
        lots=frozenset(part.lot for part in catalogue.ranges),
        now=now,
    )
    sent: list[Shipment] = []
    for row in reader.rows(faults):
        shipment = _read(row, known, faults)
        if shipment is not None:
            sent.append(shipment)
        if reader.rows_read % table.PROGRESS_ROWS == 0:
            progress("checked", reader.rows_read)
    faults.refuse()
    new = shipments.record(session, sent, tenant_id=tenant_id)
    progress("loaded", reader.rows_read)
    loaded = Loaded(kind=KIND, rows=reader.rows_read, rows_new=new)
    return table.finish(session, loaded, tenant_id=tenant_id, reader=reader, now=now)


def _read(row: Row, known: _Known, faults: Faults) -> Shipment | None:
    fields = RowReader(row, HEADER, faults)
    shipped_at = fields.read(_TIME, partial(table.instant, now=known.now))
    distributor_id = fields.read(_DISTRIBUTOR, partial(_distributor, known=known.distributor_ids))
    lot, serial = row.values[_LOT], row.values[_SERIAL]
    if not lot and not serial:
        fields.fault(_LOT, "a lot or a serial is needed")
    fields.read(_LOT, partial(_lot, known=known))
    code = fields.read(_SERIAL, partial(_code, catalogue=known.catalogue)) if serial else None
    if code is not None and lot and code.lot != lot:
        fields.fault(_SERIAL, f"{shown(serial)} is of lot {shown(code.lot)}")
    if not fields.sound or shipped_at is None or distributor_id is None:
        return None
    if code is None:
        return Shipment(distributor_id=distributor_id, shipped_at=shipped_at, lot=lot)
    return Shipment(
        distributor_id=distributor_id,
        shipped_at=shipped_at,
        lot=code.lot,
        serial=code.serial,
        epoch=code.epoch,
        counter=code.counter,
    )


def _distributor(text: str, *, known: frozenset[str]) -> str:
    if text not in known:
        raise Unreadable(f"there is no distributor {shown(text)}")
    return text


def _lot(text: str, *, known: _Known) -> str:
    if text and text not in known.lots:
        raise Unreadable(f"nobody ordered codes of lot {shown(text)}")
    return text


def _code(text: str, *, catalogue: BrandCatalogue) -> _Code:
    serial = cipher.normalise(text)
    found = catalogue.counter_of(serial)
    if found is None:
        raise Unreadable(f"{shown(text)} is not a serial of this brand")
    epoch, counter = found
    place = catalogue.range_of(epoch=epoch, counter=counter)
    if place is None:
        raise Unreadable(f"{shown(text)} belongs to no order")
    return _Code(serial=serial, epoch=epoch, counter=counter, lot=place.lot)
