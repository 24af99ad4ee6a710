"""Phones that scan: a test client with a visitor cookie, and the tickets that the edge would give it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from campaigns import offers
from campaigns.terms import Draft
from crm import identities, messages
from crm.identities import PersonalKeys
from crm.messages import ConsoleProvider
from kit import chance, seals
from kit.clock import unix_ms
from kit.db import transaction
from kit.ids import uuid7
from kit.settings import Settings
from scanservice import tickets, visitors
from scanservice.tickets import Stage, Ticket
from scanservice.verdicts import Reason, Verdict
from tests.conftest import Database
from tests.web.conftest import Furnished

POINTS = 10
FIRST = (Reason("nobody_before"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    client: FlaskClient
    cookie: str
    settings: Settings

    def ticket(self, brand: Furnished, *, now: datetime, row: int = 1, **facts: Any) -> str:
        """A fresh, confirmed first scan of row `row` of the brand's order, unless `facts` say otherwise."""
        values: dict[str, Any] = {
            "tenant_id": brand.tenant_id,
            "stage": Stage.CONFIRMED,
            "verdict": Verdict.GENUINE_FIRST,
            "reasons": FIRST,
            "gtin": brand.gtin,
            "scan_id": uuid7(now),
            "visitor": self.visitor(brand),
            "expires_at_s": tickets.expiry_s(unix_ms(now)),
            "lot": brand.lot,
            "kind": "item_outer",
            "epoch": 0,
            "counter": brand.first_counter + row - 1,
            "order_id": brand.order_id,
            **facts,
        }
        return tickets.seal(Ticket(**values), key=seals.derive(self.settings.secret_bytes, tickets.KEY_PURPOSE))

    def visitor(self, brand: Furnished) -> bytes:
        keys = visitors.Keys.of(self.settings.secret_bytes)
        return visitors.by_cookie(keys, tenant_id=brand.tenant_id, cookie=self.cookie.encode())

    def page(self, path: str, *, language: str = "en") -> str:
        answer = self.client.get(path, headers={"Accept-Language": language, "Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return answer.text


def phone(app: Flask, settings: Settings) -> Phone:
    client = app.test_client()
    cookie = chance.token(visitors.COOKIE_RANDOM_BYTES)
    client.set_cookie(visitors.COOKIE, cookie)
    return Phone(client=client, cookie=cookie, settings=settings)


def last_code(database: Database, settings: Settings, *, tenant_id: int) -> str:
    """The code of the latest text message, as the development console shows it."""
    with transaction(database.app_engine, tenant_id=tenant_id) as session:
        keys = PersonalKeys.derive(settings.secret_bytes)
        shown = messages.recent(session, tenant_id=tenant_id, keys=keys, provider=ConsoleProvider(), rows_max=1)
    return next(word.strip(".,，") for word in shown[0].body.replace("，", " ").split() if word.strip(".,").isdigit())


def join(on: Phone, ticket: str, database: Database, *, tenant_id: int, number: str = "13800138000") -> None:
    """Joins, or signs in, with the number."""
    asked = on.client.post(f"/join/{ticket}", data={"phone": number, "step": "send"})
    assert asked.status_code == 200, asked.text
    code = last_code(database, on.settings, tenant_id=tenant_id)
    joined = on.client.post(
        f"/join/{ticket}",
        data={"phone": identities.read_phone(number), "step": "join", "code": code, "service": "yes", "version": "2026-11"},
    )
    assert joined.status_code == 303, joined.text


def offer(database: Database, *, tenant_id: int, now: datetime, **terms: Any) -> UUID:
    """A running campaign of ten points."""
    values: dict[str, Any] = {
        "name": "Welcome points",
        "name_zh": "扫码有礼",
        "starts_at": now - timedelta(days=1),
        "ends_at": now + timedelta(days=30),
        "points": POINTS,
        "points_valid_days": 365,
        **terms,
    }
    with transaction(database.app_engine, tenant_id=tenant_id) as session:
        return offers.create(
            session, tenant_id=tenant_id, draft=Draft(**values), running=True, now=now - timedelta(days=2), actor="test"
        ).id
