"""Filling a brand with the demo: ground, history, members, logins, in this order; each step may be done again without harm.

Promises: a run that was interrupted is finished by the next one; the same run again changes nothing and says so.
"""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from codegen import brands
from kit import chance
from web import accounts
from web.accounts import Role, StaffUnknown
from web.demo import cast, ground, history, membership, story
from web.demo.ground import Laid, Options
from web.demo.membership import Counts
from web.demo.story import Story
from web.imports import loading, scans
from web.instance import Instance

LOGINS_FILE: Final = "demo-brand-logins.json"
_PASSWORD_BYTES: Final = 9
# Distributors with a login: the one whose market the diverted goods reach, and the one they were shipped to.
_DEALERS_WITH_LOGIN: Final = (3, 4)

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""A progress bar: what is going on and how many steps it has; calling what it gives says how many more are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """`password` is empty where it is not known any more."""

    email: str
    role: Role
    distributor_id: str | None
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    ends_at: datetime
    lots: int
    codes: int
    distributors: int
    shipments: int
    scans: int
    scans_new: int
    counts: Counts
    changed: bool
    logins: tuple[Login, ...]


def fill(instance: Instance, options: Options, *, tenant_id: int, bar: Bar) -> Filled:
    with bar("Story", 1) as advance:
        with instance.transaction(tenant_id) as session:
            now = instance.clock.now()
            ends_at = ground.story_ends_at(session, options, tenant_id=tenant_id, now=now)
            told = story.tell(seed=options.seed, codes=options.codes, days=options.days, ends_at=ends_at)
            laid = ground.lay(session, told, options, tenant_id=tenant_id, kek=instance.settings.kek_bytes)
        advance(1)
    new = _import(instance, told, laid, options, tenant_id=tenant_id, bar=bar)
    with bar("Members", len(told.members)) as advance:
        counts = membership.enrol(instance, told, tenant_id=tenant_id, seed=options.seed, advance=advance)
    with instance.transaction(tenant_id) as session:
        logins, opened = _logins(session, instance.settings.data_dir, tenant_id=tenant_id, now=instance.clock.now())
    return Filled(
        ends_at=ends_at,
        lots=len(told.lots),
        codes=sum(lot.quantity for lot in told.lots),
        distributors=len(cast.DEALERS),
        shipments=laid.shipments,
        scans=len(told.scans),
        scans_new=new,
        counts=counts,
        changed=bool(laid.new or new or counts.members_new or counts.claims_new or opened),
        logins=logins,
    )


def _import(instance: Instance, told: Story, laid: Laid, options: Options, *, tenant_id: int, bar: Bar) -> int:
    """How many scans were new, loaded as `onemark import scans` loads a file."""
    with tempfile.TemporaryDirectory(prefix="onemark-demo-") as folder, bar("Scans", 2 * len(told.scans)) as advance:
        file = Path(folder) / "scans.csv"
        history.write(told, laid.serials, file, chance=chance.seeded(f"onemark demo places {options.seed}"))
        done: dict[str, int] = {}

        def progress(stage: str, rows: int) -> None:
            advance(max(0, rows - done.get(stage, 0)))
            done[stage] = rows

        return loading.load(instance, scans.KIND, file, tenant_id=tenant_id, progress=progress).rows_new


def _logins(session: Session, data_dir: Path, *, tenant_id: int, now: datetime) -> tuple[tuple[Login, ...], int]:
    """The demo's people, and how many accounts were opened. First passwords lie in a file of mode 600, as those of the first start do."""
    file = data_dir / LOGINS_FILE
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    slug = brands.load(session, tenant_id=tenant_id).slug
    people: list[tuple[str, str, Role, str | None]] = [("marketer", "Demo Marketer", Role.MARKETER, None)]
    for place in _DEALERS_WITH_LOGIN:
        dealer = cast.DEALERS[place]
        people.append((dealer.distributor_id.lower(), dealer.name, Role.DISTRIBUTOR, dealer.distributor_id))
    logins, opened = [], 0
    for local, name, role, distributor_id in people:
        email = f"{local}@{slug}.example"
        try:
            accounts.by_email(session, tenant_id=tenant_id, email=email)
        except StaffUnknown:
            kept[email] = chance.token(_PASSWORD_BYTES)
            accounts.add(
                session,
                tenant_id=tenant_id,
                email=email,
                name=name,
                role=role,
                password=kept[email],
                distributor_id=distributor_id,
                now=now,
            )
            opened += 1
        logins.append(Login(email=email, role=role, distributor_id=distributor_id, password=kept.get(email, "")))
    if opened:
        _keep(file, kept)
    return tuple(logins), opened


def _keep(file: Path, passwords: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(passwords, out, indent=2)
