"""Background jobs by name. Each is one transaction (a long export: one for each stretch) and may safely run twice.

A job gets ids, never rows, and reads afresh. The worker process opens the instance once, in `serving`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.orm import Session

from codegen import brands
from codegen.code_lists import exports
from codegen.print_packages import package_making, package_queue, packages
from codegen.print_packages.package_files import JobMemory
from crm import joining, ledger, messages
from crm.identities import PersonalKeys
from kit import log, outbox
from kit.outbox import Handler, OutboxEntry
from kit.settings import Settings
from scanservice.anomalies import anomalies, handling, watching
from scanservice.fake_reports import fake_reports
from web import instance, upkeep
from web.instance import Instance

EVERY_S = {
    "web.worker.sweep_outbox": 30,
    "web.worker.expire_points": 3600,
    "web.worker.forget_codes": 600,
    "web.worker.forget_unripe": 3600,
    "web.worker.forget_reports": 3600,
    "web.worker.resume_exports": 60,
    "web.worker.resume_packages": 60,
    "web.worker.make_months": 600,
    "web.worker.drop_months": 600,
    "web.worker.forget_whereabouts": 60,
    "web.worker.remove_files": 3600,
}
EXPORT = "web.worker.export_codes"
PACKAGE = "web.worker.make_package"
# All that the queue may ask for.
FUNCTIONS = frozenset({*EVERY_S, instance.DELIVER, EXPORT, PACKAGE})

_log = log.get(__name__)
_serving: list[Instance] = []


@contextmanager
def serving(settings: Settings) -> Iterator[Instance]:
    """Jobs run inside find this instance."""
    with instance.attached(settings) as onemark:
        _serving.append(onemark)
        try:
            yield onemark
        finally:
            _serving.remove(onemark)


def _onemark() -> Instance:
    return _serving[-1]


def handlers(onemark: Instance) -> Mapping[str, Handler]:
    """Who takes the entries of which topic."""
    keys = PersonalKeys.derive(onemark.settings.secret_bytes)
    return {
        messages.TOPIC: lambda session, entry: messages.send_text(
            session,
            entry.payload,
            tenant_id=entry.tenant_id,
            keys=keys,
            provider=messages.ConsoleProvider(),
            now=onemark.clock.now(),
        ),
        exports.TOPIC: _start_export,
        package_queue.TOPIC: _start_package,
        watching.TOPIC: _tell_operators,
    }


def deliver(tenant_id: int, entry_id: str) -> None:
    """Delivers one outbox entry; a failure is noted on the entry and raised for RQ to try again."""
    onemark = _onemark()
    try:
        with onemark.transaction(tenant_id) as session:
            outbox.deliver(
                session, tenant_id=tenant_id, entry_id=UUID(entry_id), handlers=handlers(onemark), now=onemark.clock.now()
            )
    except Exception as error:
        with onemark.transaction(tenant_id) as session:
            outbox.note_failure(session, tenant_id=tenant_id, entry_id=UUID(entry_id), error=str(error))
        raise


def sweep_outbox() -> None:
    """Sends again what a crash or an absent queue left undelivered."""
    onemark = _onemark()
    for tenant_id in _tenants(onemark):
        with onemark.transaction(tenant_id) as session:
            late = outbox.waiting(session, tenant_id=tenant_id, now=onemark.clock.now())
        for entry_id in late:
            onemark.enqueue(tenant_id=tenant_id, entry_id=entry_id)


def expire_points() -> None:
    onemark = _onemark()
    for tenant_id in _tenants(onemark):
        with onemark.transaction(tenant_id) as session:
            expired = ledger.expire_due(session, tenant_id=tenant_id, now=onemark.clock.now())
        if expired:
            _log.info("points expired", tenant_id=tenant_id, lots=expired)


def forget_codes() -> None:
    """Deletes one-time codes and messages that have served their time."""
    onemark = _onemark()
    for tenant_id in _tenants(onemark):
        with onemark.transaction(tenant_id) as session:
            joining.forget_old(session, tenant_id=tenant_id, now=onemark.clock.now())


def forget_unripe() -> None:
    """Drops what was counted and never became an anomaly: addresses of people who mistyped a code."""
    onemark = _onemark()
    for tenant_id in _tenants(onemark):
        with onemark.transaction(tenant_id) as session:
            handling.forget_unripe(session, tenant_id=tenant_id, now=onemark.clock.now())


def make_months() -> None:
    upkeep.make_months(_onemark())


def drop_months() -> None:
    """Months of the scan log that are older than this instance keeps them."""
    upkeep.drop_months(_onemark())


def forget_whereabouts() -> None:
    """Addresses and exact positions of old scans."""
    upkeep.forget_whereabouts(_onemark())


def remove_files() -> None:
    """Old exports and print packages."""
    upkeep.remove_files(_onemark())


def forget_reports() -> None:
    """Deletes photos, words and numbers of reports that have served their time."""
    onemark = _onemark()
    for tenant_id in _tenants(onemark):
        with onemark.transaction(tenant_id) as session:
            fake_reports.forget(session, tenant_id=tenant_id, objects_dir=onemark.settings.objects_dir, now=onemark.clock.now())


def export_codes(tenant_id: int, export_id: str) -> None:
    """Writes one file of codes; the row of the export holds its progress, and a restarted worker goes on from there."""
    onemark = _onemark()
    finished = False
    while not finished:
        with onemark.transaction(tenant_id) as session:
            step = exports.advance(
                session,
                tenant_id=tenant_id,
                export_id=UUID(export_id),
                kek=onemark.settings.kek_bytes,
                objects_dir=onemark.settings.objects_dir,
                now=onemark.clock.now(),
            )
        finished = step is None or step.finished


def resume_exports() -> None:
    """Takes up files whose worker died in the middle."""
    onemark = _onemark()
    for tenant_id in _tenants(onemark):
        with onemark.transaction(tenant_id) as session:
            stuck = exports.stuck(session, tenant_id=tenant_id, now=onemark.clock.now())
        for export_id in stuck:
            onemark.jobs.enqueue(EXPORT, tenant_id, str(export_id))


def make_package(tenant_id: int, package_id: str) -> None:
    """Writes one print package; its row holds the progress, and a restarted worker goes on from there."""
    onemark, memory = _onemark(), JobMemory()
    finished = False
    while not finished:
        with onemark.transaction(tenant_id) as session:
            step = package_making.advance(
                session,
                tenant_id=tenant_id,
                package_id=UUID(package_id),
                memory=memory,
                kek=onemark.settings.kek_bytes,
                objects_dir=onemark.settings.objects_dir,
                now=onemark.clock.now(),
            )
        finished = step is None or step.finished


def resume_packages() -> None:
    """Takes up print packages whose worker, or command, died in the middle."""
    onemark = _onemark()
    for tenant_id in _tenants(onemark):
        with onemark.transaction(tenant_id) as session:
            left = packages.unfinished(session, tenant_id=tenant_id, now=onemark.clock.now())
        for package_id in left:
            onemark.jobs.enqueue(PACKAGE, tenant_id, str(package_id))


def _start_export(_session: object, entry: OutboxEntry) -> None:
    _onemark().jobs.enqueue(EXPORT, entry.tenant_id, str(entry.payload["export_id"]))


def _start_package(_session: object, entry: OutboxEntry) -> None:
    _onemark().jobs.enqueue(PACKAGE, entry.tenant_id, str(entry.payload["package_id"]))


def _tell_operators(session: Session, entry: OutboxEntry) -> None:
    """A line in the log, for whoever watches that; staff see the count in the console's navigation."""
    found = anomalies.find(session, UUID(entry.payload["anomaly_id"]), tenant_id=entry.tenant_id)
    _log.warning("anomaly found", tenant_id=entry.tenant_id, anomaly_id=str(found.id), kind=found.kind, severity=found.severity)


def _tenants(onemark: Instance) -> list[int]:
    with onemark.transaction(None) as session:
        return brands.tenant_ids(session)
