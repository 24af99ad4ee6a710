"""`onemark doctor`: what is wrong with this instance, said so that one knows what to do.

The key-encryption key wraps every brand's serial keys: without it no printed code can be verified again. The doctor therefore asks
for a backup, and checks that the copy holds this very key.
"""

import base64
import binascii
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from codegen import brands, catalogue_version
from codegen.keys import keyring
from kit import migrations
from kit.db import transaction
from kit.refusals import Invalid
from kit.settings import KEK_FILE, SECRET_FILE, Settings
from scanservice.catalogue import POLL_S
from scanservice.hot import generations
from scanservice.ingest import lag, letters, months
from web.instance import MIGRATIONS, Instance

OTHERS = 0o077
BACKUP_NOTE = "keys/backup-of-kek"
LAG_S_MAX = 60
PARTITIONS_NAMED_MAX = 8
DISK_FREE_MIN = 0.1
MEMORY_SHARE_MAX = 0.9
REDIS_MUST = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class BackupDiffers(Invalid):
    code = "key_backup_differs"
    says = "{file} does not hold this instance's key-encryption key. Copy {key} there."


class BackupIsOriginal(Invalid):
    code = "key_backup_is_original"
    says = "{file} is the key itself. A backup lies on another disk, or better in another place."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    what: str
    good: bool
    says: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def examine(instance: Instance) -> list[Finding]:
    return [
        _schema(instance),
        *_redis(instance),
        _generation(instance),
        *_log(instance),
        _months(instance),
        *_replication(instance),
        *_room(instance),
        _catalogue(instance),
        *_keys(instance),
        *_key_files(instance.settings),
        _backup(instance.settings),
    ]


def remember_key_backup(settings: Settings, file: Path) -> None:
    """Notes where the copy of the key is, after comparing it with the key in use."""
    if file.resolve() == (settings.data_dir / KEK_FILE).resolve():
        raise BackupIsOriginal(file=file)
    if not _holds(file, settings.kek_bytes):
        raise BackupDiffers(file=file, key=settings.data_dir / KEK_FILE)
    note = settings.data_dir / BACKUP_NOTE
    note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    note.write_text(str(file.absolute()), encoding="utf-8")


def _schema(instance: Instance) -> Finding:
    good = migrations.at_head(instance.engine, location=MIGRATIONS)
    return Finding(
        what="schema", good=good, says="at the newest revision" if good else "not at the newest revision: onemark migrate"
    )


def _redis(instance: Instance) -> list[Finding]:
    found = []
    for name, must in REDIS_MUST.items():
        value = instance.redis.config_get(name)
        is_now = next(iter(value.values()), b"")
        is_now = is_now.decode() if isinstance(is_now, bytes) else str(is_now)
        good = is_now == must
        found.append(
            Finding(
                what=f"redis {name}",
                good=good,
                says=is_now if good else f"is {is_now}, must be {must}, or answered scans may be lost",
            )
        )
    return found


def _generation(instance: Instance) -> Finding:
    with transaction(instance.engine, tenant_id=None) as session:
        recorded = generations.recorded(session)
    shown = generations.shown(instance.redis)
    good = shown == {recorded}
    says = (
        f"generation {recorded} in PostgreSQL and Redis"
        if good
        else "Redis shows another state than PostgreSQL: onemark rebuild state"
    )
    return Finding(what="scan state", good=good, says=says)


def _log(instance: Instance) -> list[Finding]:
    """Scans wait in Redis until an ingester has stored them."""
    now = instance.clock.now()
    with transaction(instance.engine, tenant_id=None) as session:
        found = lag.measure(session, instance.redis)
        unread = letters.count(session)
    oldest_s = found.oldest_s(now)
    late = oldest_s > LAG_S_MAX
    findings = [
        Finding(
            what="scan log",
            good=not late,
            says=f"{found.waiting:,} entries wait to be stored, the oldest for {oldest_s:,.0f} s"
            + (". Is an ingester running? onemark run ingester; more of them share the work" if late else ""),
        )
    ]
    findings += [
        Finding(
            what=f"partition {one.partition}",
            good=False,
            says=f"stopped: {one.stopped}. Redis is older than PostgreSQL, or lost entries: onemark rebuild state",
        )
        for one in found.stopped
    ]
    unattended = found.unattended(now)
    if unattended:
        numbers = ", ".join(str(one.partition) for one in unattended[:PARTITIONS_NAMED_MAX])
        more = f" and {len(unattended) - PARTITIONS_NAMED_MAX} more" if len(unattended) > PARTITIONS_NAMED_MAX else ""
        findings.append(
            Finding(what="ingesters", good=False, says=f"nobody stores partitions {numbers}{more}: start onemark run ingester")
        )
    findings.append(
        Finding(
            what="dead letters",
            good=not unread,
            says="none" if not unread else f"{unread:,} entries of the log could not be read: onemark log letters",
        )
    )
    return findings


def _months(instance: Instance) -> Finding:
    with transaction(instance.engine, tenant_id=None) as session:
        missing = months.missing(session, now=instance.clock.now())
        there = months.listing(session)
    size = sum(month.bytes for month in there) / (1 << 20)
    if missing:
        return Finding(
            what="months of the scan log",
            good=False,
            says=f"{', '.join(missing)} not made yet; the worker makes them ahead: are onemark run worker and onemark run scheduler running?",
        )
    return Finding(what="months of the scan log", good=True, says=f"{len(there)} with {size:,.0f} MB, two of them ahead")


def _replication(instance: Instance) -> list[Finding]:
    """Only where there are replicas; one machine has none, and that is a choice."""
    state: dict[str, Any] = instance.redis.info("replication")
    replicas = [value for name, value in state.items() if name.startswith("slave") and isinstance(value, dict)]
    findings = [
        Finding(
            what=f"redis replica {one.get('ip')}:{one.get('port')}",
            good=one.get("state") == "online",
            says=f"{one.get('state')}, {int(state['master_repl_offset']) - int(one.get('offset', 0)):,} bytes behind",
        )
        for one in replicas
    ]
    if state.get("role") != "master":
        findings.append(
            Finding(what="redis role", good=False, says="REDIS_URL names a replica, which takes no scans: name its master")
        )
    with transaction(instance.engine, tenant_id=None) as session:
        standby = session.scalar(text("SELECT pg_is_in_recovery()"))
    if standby:
        findings.append(Finding(what="postgresql role", good=False, says="DATABASE_URL names a standby, which takes no writes"))
    return findings


def _room(instance: Instance) -> list[Finding]:
    """A full disk stops scans as surely as a full log."""
    folder = instance.settings.data_dir
    disk = shutil.disk_usage(folder if folder.exists() else Path())
    free = disk.free / disk.total
    memory: dict[str, Any] = instance.redis.info("memory")
    used, limit = int(memory["used_memory"]), int(memory.get("maxmemory", 0))
    full = bool(limit) and used > limit * MEMORY_SHARE_MAX
    of_limit = f" of {limit / (1 << 20):,.0f} MB" if limit else ", without a limit of its own"
    return [
        Finding(
            what="disk of the data folder",
            good=free > DISK_FREE_MIN,
            says=f"{disk.free / (1 << 30):,.1f} GB free ({free:.0%})"
            + ("" if free > DISK_FREE_MIN else ": make room, a full disk stops scans"),
        ),
        Finding(
            what="redis memory",
            good=not full,
            says=f"{used / (1 << 20):,.0f} MB used{of_limit}" + (": give it more, it must never evict" if full else ""),
        ),
    ]


def _catalogue(instance: Instance) -> Finding:
    """Edges learn of a newer one with their next scan, from Redis; where that was not told, they look by themselves."""
    with transaction(instance.engine, tenant_id=None) as session:
        current = catalogue_version.current(session)
    told = generations.catalogues(instance.redis)
    says = f"version {current}" + ("" if told == {current} else f"; Redis has not heard of it yet, edges look every {POLL_S:g} s")
    return Finding(what="catalogue", good=True, says=says)


def _keys(instance: Instance) -> list[Finding]:
    found = []
    with transaction(instance.engine, tenant_id=None) as session:
        entries = brands.directory(session)
    for entry in entries:
        with transaction(instance.engine, tenant_id=entry.tenant_id) as session:
            try:
                opened = keyring.epochs(session, tenant_id=entry.tenant_id, kek=instance.settings.kek_bytes)
            except keyring.KekMismatch as mismatch:
                found.append(Finding(what=f"keys of {entry.slug}", good=False, says=mismatch.detail))
            else:
                found.append(Finding(what=f"keys of {entry.slug}", good=True, says=f"{len(opened)} epoch(s) open with this key"))
    return found


def _key_files(settings: Settings) -> list[Finding]:
    """A backup that was copied back, or a tidy-up of permissions, may have opened them to others."""
    files = [file for name in (KEK_FILE, SECRET_FILE) if (file := settings.data_dir / name).exists()]
    return [
        Finding(
            what=f"file {file.name}",
            good=not file.stat().st_mode & OTHERS,
            says=f"others may read it: chmod 600 {file.absolute()}"
            if file.stat().st_mode & OTHERS
            else "readable by its owner alone",
        )
        for file in files
    ]


def _backup(settings: Settings) -> Finding:
    key = settings.data_dir / KEK_FILE
    if settings.kek.get_secret_value():
        return Finding(what="key backup", good=True, says="the key comes from ONEMARK_KEK: keep it where your secrets are kept")
    note = settings.data_dir / BACKUP_NOTE
    if not note.exists():
        advice = f"none known. Copy {key.absolute()} to a safe place, then: onemark doctor --key-backup COPY"
        return Finding(what="key backup", good=False, says=advice)
    copy = Path(note.read_text(encoding="utf-8"))
    if _holds(copy, settings.kek_bytes):
        return Finding(what="key backup", good=True, says=f"{copy} holds the key")
    return Finding(what="key backup", good=False, says=f"{copy} is gone or holds another key")


def _holds(file: Path, key: bytes) -> bool:
    try:
        return base64.b64decode(file.read_bytes(), validate=False) == key
    except (OSError, binascii.Error):
        return False
