"""The first start of a one box: the brand `demo` with one product, 1,000 active codes, a campaign, a distributor and two logins.

Promises: everything in one transaction, once; a later start finds it and changes nothing but the scan origin, which follows the
address that the box is reached under. The logins' first passwords lie in a file of mode 600 in the data folder, for `up` to print.
"""

import json
import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from campaigns import offers
from campaigns.terms import Draft
from codegen import brands, orders, products
from codegen.lifecycle import ranges
from kit import chance
from kit.db import enter_tenant, transaction
from kit.settings import Settings
from supplychain import distributors, shipments
from supplychain.distributors import Distributor
from supplychain.shipments import Shipment
from web import accounts
from web.accounts import Role

SLUG = "demo"
GTIN = "09521234543213"
LOT = "FIRST"
CODES = 1_000
POINTS = 10
POINTS_VALID_DAYS = 365
CAMPAIGN_DAYS = 365
DISTRIBUTOR = "D001"
SHANGHAI = "310000"
GTIN_PREFIX = "952"
LOGINS_FILE = "demo-logins.json"
LOCK_ID = 7_205_759_404
ACTOR = "first start"


def origin(settings: Settings) -> str:
    """Where phones reach this box: upper case, as printed codes want it."""
    address = settings.public_origin or f"http://{_reachable(settings.host)}:{settings.port}"
    return address.upper()


def prepare(engine: Engine, settings: Settings, *, now: datetime) -> None:
    with transaction(engine, tenant_id=None) as session:
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK_ID})
        entries = brands.directory(session)
        if not entries:
            _furnish(session, settings, now=now)


def follow_address(session: Session, *, tenant_id: int, settings: Settings) -> str:
    """The demo brand's printed origin follows the box's address, as nothing printed in earnest depends on it."""
    enter_tenant(session, tenant_id)
    return brands.change_origin(session, tenant_id=tenant_id, scan_origin=origin(settings))


def logins(data_dir: Path) -> dict[str, dict[str, str]]:
    """The first passwords by role, as they were drawn; empty when the file is gone."""
    file = data_dir / LOGINS_FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _furnish(session: Session, settings: Settings, *, now: datetime) -> None:
    brand = brands.create(
        session,
        slug=SLUG,
        name="Onemark Demo",
        scan_origin=origin(settings),
        hosts=["localhost", "127.0.0.1"],
        gtin_prefixes=[GTIN_PREFIX],
        kek=settings.kek_bytes,
        now=now,
    )
    tenant_id = brand.tenant_id
    products.add(session, tenant_id=tenant_id, gtin=GTIN, name="Tea", name_zh="茶", now=now)
    order = orders.place(
        session, tenant_id=tenant_id, gtin=GTIN, quantity=CODES, lot=LOT, request_id="first-start", now=now, actor=ACTOR
    )
    ranges.activate(session, tenant_id=tenant_id, order_id=order.id, now=now, actor=ACTOR)
    distributors.put(
        session,
        Distributor(distributor_id=DISTRIBUTOR, name="Shanghai Trading", divisions=(SHANGHAI,)),
        tenant_id=tenant_id,
        now=now,
    )
    shipments.record(session, [Shipment(distributor_id=DISTRIBUTOR, shipped_at=now, lot=LOT)], tenant_id=tenant_id)
    offers.create(
        session,
        tenant_id=tenant_id,
        draft=Draft(
            name="Welcome points",
            name_zh="扫码有礼",
            starts_at=now,
            ends_at=now + timedelta(days=CAMPAIGN_DAYS),
            points=POINTS,
            points_valid_days=POINTS_VALID_DAYS,
        ),
        running=True,
        now=now,
        actor=ACTOR,
    )
    _open_logins(session, tenant_id=tenant_id, data_dir=settings.data_dir, now=now)


def _open_logins(session: Session, *, tenant_id: int, data_dir: Path, now: datetime) -> None:
    people = {
        "console": {"email": "owner@demo.example", "name": "Demo Owner", "role": Role.OWNER},
        "portal": {"email": "d001@demo.example", "name": "Shanghai Trading", "role": Role.DISTRIBUTOR},
    }
    kept = {}
    for place, person in people.items():
        password = chance.token(9)
        accounts.add(
            session,
            tenant_id=tenant_id,
            email=person["email"],
            name=person["name"],
            role=Role(person["role"]),
            password=password,
            distributor_id=DISTRIBUTOR if place == "portal" else None,
            now=now,
        )
        kept[place] = {"email": person["email"], "password": password}
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = data_dir / LOGINS_FILE
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(kept, out, indent=2)


def _reachable(host: str) -> str:
    return host if host not in {"0.0.0.0", "::"} else _own_address()  # noqa: S104 - compared, not bound


def _own_address() -> str:
    """The address by which phones of the same network reach this machine; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
