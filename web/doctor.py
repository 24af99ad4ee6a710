"""`onemark doctor`: what is wrong with this instance, said so that one knows what to do.

The key-encryption key wraps every brand's serial keys: without it no printed code can be verified again. The doctor therefore asks
for a backup, and checks that the copy holds this very key.
"""

import base64
import binascii
from dataclasses import asdict, dataclass
from pathlib import Path

from codegen import brands
from codegen.keys import keyring
from kit import migrations
from kit.db import transaction
from kit.refusals import Invalid
from kit.settings import KEK_FILE, SECRET_FILE, Settings
from scanservice.hot import generations
from web.instance import MIGRATIONS, Instance

OTHERS = 0o077
BACKUP_NOTE = "keys/backup-of-kek"
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
