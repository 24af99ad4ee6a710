"""`distributor_id,name,divisions`: who sells for the brand, and where. Divisions are joined by `;`.

Promises: a distributor that is there already takes the file's name and territory; those that the file does not name stay as they are.
Refuses the whole file for one bad row, and an id that stands in it twice with different data.
"""

from datetime import datetime
from typing import BinaryIO, Final

from sqlalchemy.orm import Session

from kit.csv_files import Faults, Limits, Row, shown
from supplychain import distributors
from supplychain.distributors import Change, Distributor, DistributorMalformed
from web.imports import table
from web.imports.table import Loaded, Progress

KIND: Final = "distributors"
HEADER: Final = ("distributor_id", "name", "divisions")
LIMITS: Final = Limits(bytes_max=64 << 20, rows_max=100_000)


def load(session: Session, file: BinaryIO, *, tenant_id: int, now: datetime, progress: Progress = table.silent) -> Loaded:
    reader, faults = table.begin(session, file, tenant_id=tenant_id, kind=KIND, header=HEADER, limits=LIMITS)
    named: dict[str, tuple[int, Distributor]] = {}
    for row in reader.rows(faults):
        wanted = _read(row, faults)
        if wanted is not None:
            _name(named, row.line, wanted, faults)
        if reader.rows_read % table.PROGRESS_ROWS == 0:
            progress("checked", reader.rows_read)
    faults.refuse()
    changes = distributors.put_all(session, [wanted for _, wanted in named.values()], tenant_id=tenant_id, now=now)
    progress("loaded", reader.rows_read)
    outcome = list(changes.values())
    loaded = Loaded(
        kind=KIND, rows=reader.rows_read, rows_new=outcome.count(Change.NEW), rows_changed=outcome.count(Change.CHANGED)
    )
    return table.finish(session, loaded, tenant_id=tenant_id, reader=reader, now=now)


def _read(row: Row, faults: Faults) -> Distributor | None:
    distributor_id, name, divisions = row.values
    try:
        return distributors.checked(
            distributor_id=distributor_id,
            name=name,
            divisions=[division.strip() for division in divisions.split(";") if division.strip()],
        )
    except DistributorMalformed as refusal:
        faults.add(line=row.line, column=str(refusal.data["field"]), reason=str(refusal.data["why"]))
        return None


def _name(named: dict[str, tuple[int, Distributor]], line: int, wanted: Distributor, faults: Faults) -> None:
    first_line, first = named.setdefault(wanted.distributor_id, (line, wanted))
    if first != wanted:
        faults.add(
            line=line,
            column="distributor_id",
            reason=f"{shown(wanted.distributor_id)} stands on line {first_line} with other data",
        )
