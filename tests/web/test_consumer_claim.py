"""Claiming from a page: one answer, the right person, refusals in words."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from campaigns import claims, offers
from codegen.lifecycle import ranges
from crm import ledger
from kit.clock import FixedClock
from kit.db import transaction
from kit.settings import Settings
from scanservice.tickets import Stage
from scanservice.verdicts import Reason, Verdict
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.phones import POINTS, Phone, join, offer, phone

EARLIER = "2026-11-22T07:00:00Z"


def claim(on: Phone, ticket: str) -> tuple[int, str]:
    answer = on.client.post("/claim", data={"ticket": ticket}, headers={"Accept-Language": "en"})
    return answer.status_code, answer.text


@pytest.fixture
def alice(app: Flask, settings: Settings, furnished: Furnished, database: Database) -> Phone:
    """A member."""
    someone = phone(app, settings)
    join(someone, someone.ticket(furnished, now=NOW), database, tenant_id=furnished.tenant_id)
    return someone


def test_a_member_collects_the_points_and_reads_how_long_they_last(
    alice: Phone, furnished: Furnished, database: Database
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    ticket = alice.ticket(furnished, now=NOW)
    status, page = claim(alice, ticket)
    assert status == 200
    assert "10 points are yours." in page
    assert "valid until November 22, 2027" in page
    wallet = alice.page("/wallet")
    assert "Welcome points" in wallet
    assert "+10" in wallet
    again = alice.page(f"/s/{ticket}")
    assert "You have collected 10 points" in again
    assert "valid until November 22, 2027" in again


def test_claiming_twice_shows_the_first_answer(alice: Phone, furnished: Furnished, database: Database) -> None:
    campaign_id = offer(database, tenant_id=furnished.tenant_id, now=NOW)
    ticket = alice.ticket(furnished, now=NOW)
    claim(alice, ticket)
    status, page = claim(alice, ticket)
    assert status == 200
    assert "You collected these points before" in page
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        made = claims.of_campaign(session, tenant_id=furnished.tenant_id, campaign_id=campaign_id).rows
        assert len(made) == 1
        available = ledger.balance(session, tenant_id=furnished.tenant_id, consumer_id=made[0].consumer_id, at=NOW).available
    assert available == POINTS


def test_the_claim_of_an_earlier_day_still_names_its_own_expiry(
    alice: Phone, furnished: Furnished, database: Database, clock: FixedClock
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    claim(alice, alice.ticket(furnished, now=NOW, row=1))
    clock.advance(timedelta(days=3))
    claim(alice, alice.ticket(furnished, now=clock.now(), row=2))
    page = alice.page(f"/s/{alice.ticket(furnished, now=clock.now(), row=1)}")
    assert "valid until November 22, 2027" in page
    page = alice.page(f"/s/{alice.ticket(furnished, now=clock.now(), row=2)}")
    assert "valid until November 25, 2027" in page


def test_a_ticket_of_another_visitor_cannot_claim(
    app: Flask, settings: Settings, alice: Phone, furnished: Furnished, database: Database
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    charlie = phone(app, settings)
    status, page = claim(alice, charlie.ticket(furnished, now=NOW))
    assert status == 403
    assert "another device" in page


def test_a_code_that_somebody_else_claimed_is_told_politely(
    app: Flask, settings: Settings, alice: Phone, furnished: Furnished, database: Database, clock: FixedClock
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    claim(alice, alice.ticket(furnished, now=NOW))
    clock.advance(timedelta(minutes=2))
    bob = phone(app, settings)
    bobs = bob.ticket(furnished, now=clock.now())
    assert "The points of this code were collected on November 22, 2026." in bob.page(f"/s/{bobs}")
    join(bob, bobs, database, tenant_id=furnished.tenant_id, number="13900139000")
    status, page = claim(bob, bobs)
    assert status == 409
    assert "The points of this code were collected on November 22, 2026." in page
    assert "Back to the check" in page


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"claims_per_consumer_max": 1}, "as often as this campaign allows each member"),
        ({"claims_per_day_max": 1}, "as often as this campaign allows on one day"),
        ({"points_budget": POINTS}, "All points of this campaign have been given away."),
    ],
)
def test_limits_and_budgets_are_told_in_words_before_and_after_pressing(
    alice: Phone, furnished: Furnished, database: Database, terms: dict[str, Any], said: str
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW, **terms)
    assert claim(alice, alice.ticket(furnished, now=NOW, row=1))[0] == 200
    ticket = alice.ticket(furnished, now=NOW, row=2)
    assert said in alice.page(f"/s/{ticket}")
    status, page = claim(alice, ticket)
    assert status == 409
    assert said in page


def test_a_campaign_that_is_to_come_or_over_or_paused_is_named_as_such(
    alice: Phone, furnished: Furnished, database: Database, clock: FixedClock
) -> None:
    later = offer(
        database, tenant_id=furnished.tenant_id, now=NOW, starts_at=NOW + timedelta(days=2), ends_at=NOW + timedelta(days=5)
    )
    page = alice.page(f"/s/{alice.ticket(furnished, now=NOW)}")
    assert "You can collect points with this code from November 24, 2026." in page
    clock.advance(timedelta(days=3))
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        offers.pause(session, tenant_id=furnished.tenant_id, campaign_id=later)
    assert "The points campaign is paused." in alice.page(f"/s/{alice.ticket(furnished, now=clock.now())}")
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        offers.end(session, tenant_id=furnished.tenant_id, campaign_id=later)
    assert claim(alice, alice.ticket(furnished, now=clock.now()))[0] == 409
    assert "has ended" in alice.page(f"/s/{alice.ticket(furnished, now=clock.now())}")


def test_points_belong_to_who_checked_first(alice: Phone, furnished: Furnished, database: Database) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    reasons = (Reason("first_confirmed_at", EARLIER), Reason("strangers", 1))
    ticket = alice.ticket(furnished, now=NOW, verdict=Verdict.GENUINE_SEEN, reasons=reasons)
    said = "The points of this code belong to whoever checked it first."
    assert said in alice.page(f"/s/{ticket}")
    status, page = claim(alice, ticket)
    assert status == 409
    assert said in page


def test_no_campaign_no_word_of_points(alice: Phone, furnished: Furnished) -> None:
    assert 'id="reward"' not in alice.page(f"/s/{alice.ticket(furnished, now=NOW)}")


def test_a_suspect_code_offers_no_points(alice: Phone, furnished: Furnished, database: Database) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    reasons = (Reason("first_confirmed_at", EARLIER), Reason("strangers", 5))
    ticket = alice.ticket(furnished, now=NOW, verdict=Verdict.SUSPECT, reasons=reasons)
    assert 'id="reward"' not in alice.page(f"/s/{ticket}")
    assert claim(alice, ticket)[0] == 409


@pytest.mark.parametrize("verb", [ranges.void, ranges.recall])
def test_a_code_withdrawn_within_the_half_hour_of_its_ticket_earns_nothing(
    alice: Phone, furnished: Furnished, database: Database, verb: Callable[..., object]
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    ticket = alice.ticket(furnished, now=NOW, row=4)
    assert "Collect 10 points" in alice.page(f"/s/{ticket}")
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        verb(session, tenant_id=furnished.tenant_id, order_id=furnished.order_id, reason="stolen", now=NOW, actor="bob")
    status, page = claim(alice, ticket)
    assert status == 409
    assert "code_withdrawn" in page
    assert "This code cannot earn points now. Scan it again to see why." in page
    assert "Collect 10 points" not in alice.page(f"/s/{ticket}")
    assert "请重新扫码" in alice.client.post("/claim", data={"ticket": ticket}, headers={"Accept-Language": "zh-CN"}).text


def test_an_expired_ticket_cannot_claim(alice: Phone, furnished: Furnished, database: Database, clock: FixedClock) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    ticket = alice.ticket(furnished, now=NOW)
    clock.advance(timedelta(minutes=31))
    status, page = claim(alice, ticket)
    assert status == 410
    assert "Please scan the code on the product again." in page


@pytest.mark.parametrize("ticket", ["", "forged"])
def test_a_forged_ticket_cannot_claim(alice: Phone, ticket: str) -> None:
    assert claim(alice, ticket)[0] == 400


def test_an_unconfirmed_check_goes_back_to_its_page(alice: Phone, furnished: Furnished, database: Database) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    ticket = alice.ticket(furnished, now=NOW, stage=Stage.SEEN)
    answer = alice.client.post("/claim", data={"ticket": ticket})
    assert answer.status_code == 303
    assert answer.location.startswith(f"/s/{ticket}")


def test_who_has_not_joined_is_led_to_join(app: Flask, settings: Settings, furnished: Furnished, database: Database) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    someone = phone(app, settings)
    ticket = someone.ticket(furnished, now=NOW)
    answer = someone.client.post("/claim", data={"ticket": ticket})
    assert answer.status_code == 303
    assert answer.location == f"/join/{ticket}"


def test_a_member_of_another_brand_is_a_stranger_here(
    alice: Phone, furnished: Furnished, other_furnished: Furnished, database: Database
) -> None:
    offer(database, tenant_id=other_furnished.tenant_id, now=NOW)
    ticket = alice.ticket(other_furnished, now=NOW)
    page = alice.page(f"/s/{ticket}")
    assert "Join and collect" in page
    assert "My wallet" not in page
    assert alice.client.post("/claim", data={"ticket": ticket}).location == f"/join/{ticket}"


def test_withdrawn_service_consent_stops_points_until_it_is_given_again(
    alice: Phone, furnished: Furnished, database: Database
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    ticket = alice.ticket(furnished, now=NOW)
    alice.client.post("/wallet/consents", data={"purpose": "service", "granted": "no"})
    assert "You withdrew your consent to the membership service." in alice.page(f"/s/{ticket}")
    assert claim(alice, ticket)[0] == 409
    alice.client.post("/wallet/consents", data={"purpose": "service", "granted": "yes", "version": "2026-11"})
    assert claim(alice, ticket)[0] == 200
