"""A brand with two products, members of it, and tickets as the edge would give them."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from campaigns import claiming, offers
from campaigns.claims import Claimed
from campaigns.terms import Draft, Offer
from codegen import brands, orders, products
from codegen import gtin as gtins
from codegen.keys import keyring
from codegen.kinds import Kind
from codegen.lifecycle import ranges
from crm import consents, identities, ledger, people
from crm.consents import ConsentForm, Language, Purpose
from crm.identities import PersonalKeys
from crm.lots import Balance
from crm.people import FirstTouch
from kit.clock import unix_ms
from kit.db import transaction
from kit.ids import uuid7
from scanservice import tickets
from scanservice.tickets import Stage, Ticket
from scanservice.verdicts import Reason, Verdict
from tests.conftest import NOW, Brand, Database

TEA = "09521234543213"
DAY = timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
ALICE, BOB = b"visitorA", b"visitorB"
KEYS = PersonalKeys.derive(b"a secret of thirty-two bytes ...")
KEK = bytes(range(32))
CODES = 1_000_000  # active, counters from 0
DRAFT = Draft(name="Welcome", starts_at=NOW - DAY, ends_at=NOW + 30 * DAY, points=10)


def ticket(
    *,
    tenant_id: int = 1,
    counter: int = 1,
    visitor: bytes = ALICE,
    verdict: Verdict | None = Verdict.GENUINE_FIRST,
    stage: str = Stage.CONFIRMED,
    kind: str = Kind.ITEM_OUTER,
    gtin: str = TEA,
    at: datetime = NOW,
    first_at: datetime | None = None,
    mine_at: datetime | None = None,
    reasons: tuple[Reason, ...] = (),
) -> Ticket:
    """A ticket of a scan at `at`; `first_at` and `mine_at` are the first confirmed scans of anybody and of this visitor."""
    times = tuple(
        Reason(code, instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z"))
        for code, instant in (("first_confirmed_at", first_at), ("mine_first_at", mine_at))
        if instant is not None
    )
    return Ticket(
        tenant_id=tenant_id,
        stage=stage,
        verdict=verdict,
        reasons=(*times, *reasons),
        gtin=gtin,
        scan_id=uuid7(at),
        visitor=visitor,
        expires_at_s=tickets.expiry_s(unix_ms(at)),
        serial="",
        lot="L1",
        kind=kind,
        epoch=0,
        counter=counter,
    )


@dataclass(frozen=True, slots=True)
class Shop:
    """Everything a test does to one brand, each verb in a transaction of its own."""

    engine: Engine
    tenant_id: int
    tea: str
    coffee: str

    def opened(self) -> AbstractContextManager[Session]:
        return transaction(self.engine, tenant_id=self.tenant_id)

    def campaign(self, draft: Draft = DRAFT, *, running: bool = True, now: datetime = NOW, **terms: object) -> Offer:
        with self.opened() as session:
            return offers.create(
                session,
                tenant_id=self.tenant_id,
                draft=replace(draft, **terms),  # type: ignore[arg-type]
                actor="marketer",
                now=now,
                running=running,
            )

    def member(self, number: int, *, purposes: frozenset[Purpose] = frozenset({Purpose.SERVICE})) -> UUID:
        with self.opened() as session:
            found = people.find_or_create(
                session,
                tenant_id=self.tenant_id,
                keys=KEYS,
                phone=identities.read_phone(f"138{number:08d}"),
                source=FirstTouch(channel="scan"),
                language="zh",
                now=NOW,
            )
            form = ConsentForm(granted=purposes, version=consents.VERSION, language=Language.ZH, channel="web")
            consents.grant(session, tenant_id=self.tenant_id, consumer_id=found.consumer_id, form=form, now=NOW)
        return found.consumer_id

    def ticket(self, counter: int = 1, **facts: object) -> Ticket:
        return ticket(**{"tenant_id": self.tenant_id, "gtin": self.tea, "counter": counter, **facts})  # type: ignore[arg-type]

    def claim(
        self, consumer_id: UUID, held: Ticket, *, visitor: bytes | None = None, now: datetime = NOW, zone: ZoneInfo = SHANGHAI
    ) -> Claimed:
        with self.opened() as session:
            return claiming.claim(
                session, ticket=held, visitor=visitor or held.visitor, consumer_id=consumer_id, zone=zone, now=now
            )

    def preview(self, consumer_id: UUID | None, held: Ticket, *, now: datetime = NOW) -> claiming.Preview:
        with self.opened() as session:
            facts = claiming._facts(session, held)
            return claiming.preview(
                session, ticket=held, facts=facts, visitor=held.visitor, consumer_id=consumer_id, zone=SHANGHAI, now=now
            )

    def balance(self, consumer_id: UUID, *, at: datetime = NOW) -> Balance:
        with self.opened() as session:
            return ledger.balance(session, tenant_id=self.tenant_id, consumer_id=consumer_id, at=at)

    def granted(self, offer: Offer) -> int:
        with self.opened() as session:
            return offers.get(session, tenant_id=self.tenant_id, campaign_id=offer.id).points_granted


def gtin_of(brand: Brand, number: int) -> str:
    """A GTIN of the test's own: each belongs to one brand of the instance."""
    payload = f"0952{brand.tenant_id:08d}{number}"
    return payload + gtins.check_digit(payload)


@pytest.fixture
def shop(database: Database, brand: Brand) -> Shop:
    tea, coffee = gtin_of(brand, 1), gtin_of(brand, 2)
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        brands.add_gtin_prefix(session, tenant_id=brand.tenant_id, prefix="952")
        for gtin, name in ((tea, "Tea"), (coffee, "Coffee")):
            products.add(session, tenant_id=brand.tenant_id, gtin=gtin, name=name, now=NOW)
        keyring.open_epoch(session, tenant_id=brand.tenant_id, kek=KEK, now=NOW)
        order = orders.place(
            session,
            tenant_id=brand.tenant_id,
            gtin=tea,
            quantity=CODES,
            lot="L1",
            request_id="shop",
            now=NOW,
            actor="test",
        )
        ranges.activate(session, tenant_id=brand.tenant_id, order_id=order.id, now=NOW, actor="test")
    return Shop(database.app_engine, brand.tenant_id, tea, coffee)
