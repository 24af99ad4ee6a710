"""The wallet: a member's own points and consents, and nobody else's."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from crm import consents, identities, ledger
from crm.consents import Purpose
from crm.identities import PersonalKeys
from kit.clock import FixedClock
from kit.db import transaction
from kit.settings import Settings
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.phones import Phone, join, phone


@pytest.fixture
def alice(app: Flask, settings: Settings, furnished: Furnished, database: Database) -> Phone:
    someone = phone(app, settings)
    join(someone, someone.ticket(furnished, now=NOW), database, tenant_id=furnished.tenant_id)
    return someone


def consumer_of(on: Phone, furnished: Furnished, database: Database) -> UUID:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        hashed = identities.hash_phone(
            identities.read_phone("13800138000"),
            keys=PersonalKeys.derive(on.settings.secret_bytes),
            tenant_id=furnished.tenant_id,
        )
        found = identities.find_by_phone_hash(session, tenant_id=furnished.tenant_id, phone_hash=hashed)
    assert found is not None
    return found


def earn(database: Database, furnished: Furnished, consumer_id: UUID, *, points: int, key: str, days: int | None) -> None:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        ledger.earn(
            session,
            tenant_id=furnished.tenant_id,
            consumer_id=consumer_id,
            points=points,
            natural_key=key,
            actor="test",
            now=NOW,
            expires_at=None if days is None else NOW + timedelta(days=days),
            facts={"campaign": "Spring tea", "campaign_zh": "春茶活动"},
        )


def test_a_new_member_sees_an_empty_wallet_that_says_what_to_do(alice: Phone) -> None:
    page = alice.page("/wallet")
    assert "Nothing here yet." in page
    assert "+86 138****8000" in page
    assert "Expiring soon" not in page


def test_points_movements_and_what_expires_soon(
    alice: Phone, furnished: Furnished, database: Database, clock: FixedClock
) -> None:
    consumer_id = consumer_of(alice, furnished, database)
    earn(database, furnished, consumer_id, points=1200, key="a", days=30)
    earn(database, furnished, consumer_id, points=5, key="b", days=None)
    clock.advance(timedelta(minutes=1))
    page = alice.page("/wallet", language="zh-CN")
    assert "1,205" in page
    assert "即将过期" in page
    assert "有效期至2026年12月22日" in page
    assert "春茶活动" in page
    assert "+1,200" in page


def test_long_histories_come_in_pages(alice: Phone, furnished: Furnished, database: Database, clock: FixedClock) -> None:
    consumer_id = consumer_of(alice, furnished, database)
    for number in range(25):
        earn(database, furnished, consumer_id, points=number + 100, key=f"k{number}", days=None)
    clock.advance(timedelta(minutes=1))
    first = alice.page("/wallet")
    assert first.count("Spring tea") == 20
    cursor = first.split("/wallet?cursor=")[1].split("#")[0]
    second = alice.page(f"/wallet?cursor={cursor}")
    assert second.count("Spring tea") == 5
    assert "Latest" in second
    broken = alice.client.get("/wallet?cursor=nonsense", headers={"Accept": "text/html"})
    assert broken.status_code == 400


def test_consents_are_withdrawn_and_given_with_one_press(alice: Phone, furnished: Furnished, database: Database) -> None:
    consumer_id = consumer_of(alice, furnished, database)
    for granted, expected in (("yes", True), ("no", False)):
        answer = alice.client.post(
            "/wallet/consents", data={"purpose": "marketing", "granted": granted, "version": consents.VERSION}
        )
        assert answer.status_code == 303
        with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
            assert (
                consents.is_granted(session, tenant_id=furnished.tenant_id, consumer_id=consumer_id, purpose=Purpose.MARKETING)
                is expected
            )
    assert "Your consent is withdrawn from now on." in alice.page("/wallet")


def test_who_said_no_to_places_is_not_asked_for_them(alice: Phone, furnished: Furnished) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    assert "data-place " in alice.page(f"/s/{ticket}")
    alice.client.post("/wallet/consents", data={"purpose": "location", "granted": "yes", "version": consents.VERSION})
    assert "data-place " in alice.page(f"/s/{ticket}")
    alice.client.post("/wallet/consents", data={"purpose": "location", "granted": "no"})
    assert "data-place " not in alice.page(f"/s/{ticket}")


def test_an_unknown_purpose_changes_nothing(alice: Phone) -> None:
    assert alice.client.post("/wallet/consents", data={"purpose": "everything", "granted": "yes"}).status_code == 303


def test_without_signing_in_the_wallet_says_how(app: Flask) -> None:
    page = app.test_client().get("/wallet", headers={"Accept-Language": "en"}).text
    assert "Scan a product to open your wallet" in page
    assert app.test_client().post("/wallet/consents", data={"purpose": "service", "granted": "no"}).status_code == 303


def test_signing_out_closes_the_wallet(alice: Phone) -> None:
    alice.client.post("/wallet/sign-out")
    assert "Scan a product to open your wallet" in alice.page("/wallet")


def test_a_session_that_names_nobody_is_no_session(alice: Phone, furnished: Furnished, other_furnished: Furnished) -> None:
    with alice.client.session_transaction() as session:
        session["consumer"] = {**session["consumer"], "tenant": other_furnished.tenant_id}
    assert "Scan a product to open your wallet" in alice.page("/wallet")
