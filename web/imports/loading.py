"""A file of any kind is loaded at the border: opened, read in one transaction of its brand, and done again where a race was lost.

Promises: nothing of a refused file stays; Redis hears of imported scans after their commit, and a file that is loaded again tells it again.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from codegen import catalogue
from kit import collecting, log
from kit.refusals import Invalid
from scanservice import visitors
from scanservice.address_places import AddressPlaces
from scanservice.ingest import backfill
from web import projecting
from web.imports import distributors, scans, shipments, table
from web.imports.past_scans import Context
from web.imports.table import Loaded, Progress
from web.instance import Instance

KINDS: Final = (distributors.KIND, shipments.KIND, scans.KIND)
TRIES_MAX: Final = 3
CODES_AT_ONCE: Final = 10_000
# Deadlock, and a lock not had in time: an ingester was at the same sums.
_RACES: Final = frozenset({"40P01", "55P03"})
_log = log.get(__name__)


class ImportKindUnknown(Invalid):
    code = "import_kind_unknown"
    says = "{kind!r} is none of {kinds}."


def load(instance: Instance, kind: str, file: Path, *, tenant_id: int, progress: Progress = table.silent) -> Loaded:
    """Loads the whole file or refuses it. `progress` is told the stage and the rows done in it."""
    loaders: dict[str, Callable[[], Loaded]] = {
        distributors.KIND: lambda: _distributors(instance, file, tenant_id=tenant_id, progress=progress),
        shipments.KIND: lambda: _shipments(instance, file, tenant_id=tenant_id, progress=progress),
        scans.KIND: lambda: _scans(instance, file, tenant_id=tenant_id, progress=progress),
    }
    if kind not in loaders:
        raise ImportKindUnknown(kind=kind, kinds=", ".join(KINDS))
    for attempt in range(1, TRIES_MAX + 1):
        try:
            return loaders[kind]()
        except OperationalError as error:
            if attempt == TRIES_MAX or getattr(error.orig, "sqlstate", None) not in _RACES:
                raise
            _log.warning("an import lost a race and starts over", kind=kind, attempt=attempt)
    raise AssertionError("unreachable: the last try returns or raises")


def _distributors(instance: Instance, file: Path, *, tenant_id: int, progress: Progress) -> Loaded:
    with file.open("rb") as opened, instance.transaction(tenant_id) as session:
        return distributors.load(session, opened, tenant_id=tenant_id, now=instance.clock.now(), progress=progress)


def _shipments(instance: Instance, file: Path, *, tenant_id: int, progress: Progress) -> Loaded:
    with file.open("rb") as opened, instance.transaction(tenant_id) as session:
        known = catalogue.snapshot(session, tenant_id=tenant_id, kek=instance.settings.kek_bytes)
        return shipments.load(session, opened, tenant_id=tenant_id, catalogue=known, now=instance.clock.now(), progress=progress)


def _scans(instance: Instance, file: Path, *, tenant_id: int, progress: Progress) -> Loaded:
    backfill.ready(instance.engine, instance.redis, now=instance.clock.now())
    with file.open("rb") as opened, instance.transaction(tenant_id) as session:
        context = _context(session, instance, tenant_id=tenant_id, now=instance.clock.now())
        # Rows by the ten thousand live at once, beside catalogue and geography: Python would look through all of them again and again.
        collecting.settle()
        history, reader = scans.stage(session, opened, context=context, progress=progress)
        with instance.transaction(tenant_id) as beside:
            backfill.prepare(beside, history.months)
        loaded = scans.load(
            session,
            history,
            reader,
            context=context,
            projections=projecting.PROJECTIONS,
            progress=progress,
        )
    _tell_redis(instance, history.codes(), tenant_id=tenant_id, progress=progress)
    return loaded


def _context(session: Session, instance: Instance, *, tenant_id: int, now: datetime) -> Context:
    address_places = AddressPlaces()
    address_places.load(instance.settings.ip_table)
    return Context(
        catalogue=catalogue.snapshot(session, tenant_id=tenant_id, kek=instance.settings.kek_bytes),
        keys=visitors.Keys.of(instance.settings.secret_bytes),
        now=now,
        address_places=address_places,
    )


def _tell_redis(instance: Instance, codes: Iterator[tuple[int, int]], *, tenant_id: int, progress: Progress) -> None:
    told = 0
    while some := list(islice(codes, CODES_AT_ONCE)):
        with instance.transaction(tenant_id) as session:
            told += backfill.tell(session, instance.redis, tenant_id=tenant_id, codes=some)
        progress("told", told)
