"""Campaigns, consumers with their timeline, staff, distributors, text messages."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaigns import offers
from campaigns.terms import Offer, State
from crm import consents, ledger, profile
from crm.consents import Language, Purpose
from crm.identities import PersonalKeys
from kit.clock import FixedClock
from kit.db import transaction
from kit.settings import Settings
from scanservice.verdicts import Verdict
from supplychain import distributors, shipments
from supplychain.shipments import Shipment
from tests.conftest import NOW, Database
from tests.web.conftest import PASSWORD, Furnished, Join, sign_in
from tests.web.phones import Phone, join, offer, phone
from tests.web.scans import scan, words_of
from web import accounts
from web.accounts import Role, StaffMember


def campaign_form(client: FlaskClient, address: str = "/console/campaigns/new", **typed: Any) -> dict[str, Any]:
    page = client.get(address).text
    found = {name: re.search(rf'name="{name}" type="hidden" value="([^"]*)"', page) for name in ("campaign_id", "revision")}
    return {
        **{name: match[1] for name, match in found.items() if match},
        "name": "Spring",
        "name_zh": "春天",
        "starts_at": "2026-11-22T00:00",
        "ends_at": "2026-12-31T23:59",
        "points": "15",
        "points_valid_days": "",
        "claims_per_consumer_max": "5",
        "claims_per_day_max": "",
        "points_budget": "3,000",
        **typed,
    }


def campaigns_of(database: Database, furnished: Furnished) -> list[Offer]:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        return list(offers.listing(session, tenant_id=furnished.tenant_id))


@pytest.fixture
def alice(app: Flask, settings: Settings, furnished: Furnished, database: Database) -> Phone:
    """A member with the number 138 0013 8000."""
    someone = phone(app, settings)
    join(someone, someone.ticket(furnished, now=NOW), database, tenant_id=furnished.tenant_id)
    return someone


@pytest.fixture
def alice_id(alice: Phone, database: Database, furnished: Furnished, settings: Settings) -> UUID:
    keys = PersonalKeys.derive(alice.settings.secret_bytes)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        return profile.page(session, tenant_id=furnished.tenant_id, keys=keys, now=NOW).rows[0].id


def test_a_campaign_goes_from_draft_to_end(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    saved = marketer.post("/console/campaigns/new", data=campaign_form(marketer, gtins=[furnished.gtin]), follow_redirects=True)
    page = words_of(saved.text)
    assert "Spring Draft" in page
    assert "15 points for the first confirmed scan of a code" in page
    assert "2026-11-22 00:00 – 2026-12-31 23:59" in page
    assert "enough for 200 more claims" in page
    (made,) = campaigns_of(database, furnished)
    assert made.terms.gtins == {furnished.gtin}
    assert made.terms.points_valid_days is None
    for step, state in (("start", "Running"), ("pause", "Paused"), ("resume", "Running"), ("end", "Ended")):
        answer = marketer.post(f"/console/campaigns/{made.id}/{step}", follow_redirects=True)
        assert f"Spring: {state}." in answer.text
    refused = marketer.post(f"/console/campaigns/{made.id}/start", follow_redirects=True)
    assert "cannot become running" in refused.text
    assert marketer.get(f"/console/campaigns/{made.id}/edit").status_code == 409
    assert marketer.post(f"/console/campaigns/{made.id}/explode").status_code == 404
    assert campaigns_of(database, furnished)[0].state is State.ENDED


def test_a_campaign_form_sent_twice_is_one_campaign(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    form = campaign_form(marketer)
    locations = {marketer.post("/console/campaigns/new", data=form).location for _ in range(2)}
    assert len(locations) == 1
    assert len(campaigns_of(database, furnished)) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"ends_at": "2026-11-21T00:00"}, "The end must come after the start."),
        ({"starts_at": "0001-01-01T00:00"}, "Choose a year from 2000 to 2199."),
        ({"points": "0"}, "At least 1."),
        ({"points": "99999999999999999"}, "This number is too large."),
        ({"points_budget": "10"}, "The budget must be enough for one claim."),
        ({"name": ""}, "Please fill this in."),
        ({"starts_at": "soon"}, "Not a valid datetime value."),
        ({"gtins": ["09521234543213"]}, "not valid choices for this field"),
        ({"campaign_id": "x"}, "This form is damaged."),
    ],
)
def test_wrong_terms_are_told_beside_their_fields(
    marketer: FlaskClient, furnished: Furnished, database: Database, typed: dict[str, Any], said: str
) -> None:
    answer = marketer.post("/console/campaigns/new", data=campaign_form(marketer, **typed))
    assert answer.status_code == 422
    assert said in answer.text or said.replace("not valid", "is not a valid").replace("choices", "choice") in answer.text
    assert campaigns_of(database, furnished) == []


def test_a_started_campaign_only_becomes_better_and_two_marketers_do_not_overwrite_each_other(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    campaign_id = offer(database, tenant_id=furnished.tenant_id, now=NOW)
    address = f"/console/campaigns/{campaign_id}/edit"
    same = {"starts_at": "2026-11-21T16:00", "ends_at": "2026-12-22T16:00", "claims_per_consumer_max": "", "points_budget": ""}
    worse = marketer.post(address, data=campaign_form(marketer, address, **same, points="5", points_valid_days="365"))
    assert worse.status_code == 422
    assert "may only become better for consumers." in worse.text
    looked_at_before = campaign_form(marketer, address, **same, points="20", points_valid_days="365")
    assert marketer.post(address, data=looked_at_before).status_code == 302
    second = marketer.post(address, data={**looked_at_before, "points": "30"})
    assert second.status_code == 422
    assert "Somebody changed this campaign meanwhile" in second.text
    assert [(one.terms.points, one.revision) for one in campaigns_of(database, furnished)] == [(20, 2)]


def test_an_edit_leaves_the_seconds_that_the_form_does_not_show(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    """The first start and programs write instants with seconds; without them an edit would seem to move a running campaign."""
    odd = NOW + timedelta(seconds=17, microseconds=5)
    campaign_id = offer(database, tenant_id=furnished.tenant_id, now=odd)
    address = f"/console/campaigns/{campaign_id}/edit"
    shown = {"starts_at": "2026-11-21T16:00", "ends_at": "2026-12-22T16:00", "claims_per_consumer_max": "", "points_budget": ""}
    form = campaign_form(marketer, address, **shown, points="10", points_valid_days="365", name="Better name")
    assert marketer.post(address, data=form).status_code == 302
    (edited,) = campaigns_of(database, furnished)
    assert (edited.terms.name, edited.terms.starts_at) == ("Better name", odd - timedelta(days=1))
    later = {**form, "revision": "2", "ends_at": "2026-12-22T16:01"}
    assert marketer.post(address, data=later).status_code == 302
    assert campaigns_of(database, furnished)[0].terms.ends_at == (NOW + timedelta(days=30, minutes=1))


def test_a_campaign_shows_what_it_gave(
    marketer: FlaskClient, alice: Phone, alice_id: UUID, furnished: Furnished, database: Database
) -> None:
    campaign_id = offer(database, tenant_id=furnished.tenant_id, now=NOW, points_budget=100)
    alice.client.post("/claim", data={"ticket": alice.ticket(furnished, now=NOW)})
    page = marketer.get(f"/console/campaigns/{campaign_id}").text
    assert "Claims ? 1 Consumers ? 1 Points given ? 10" in words_of(page)
    assert f"/console/consumers/{alice_id}" in page
    assert "10 / 100" in words_of(marketer.get("/console/campaigns").text)


def test_consumers_are_found_by_their_whole_number_and_shown_masked(
    marketer: FlaskClient,
    alice: Phone,
    alice_id: UUID,
    app: Flask,
    settings: Settings,
    furnished: Furnished,
    database: Database,
    clock: FixedClock,
) -> None:
    clock.advance(timedelta(minutes=1))  # the latest text message shall be Bob's
    bob = phone(app, settings)
    join(bob, bob.ticket(furnished, now=NOW), database, tenant_id=furnished.tenant_id, number="13900139000")
    everyone = marketer.get("/console/consumers").text
    # A number in an address would stand in the logs of whoever passes it on.
    assert '<form method="post" action="/console/consumers"' in everyone
    assert "+86 138****8000" in everyone
    assert "+86 139****9000" in everyone
    found = marketer.post("/console/consumers", data={"phone": "138 0013 8000"}).text
    assert str(alice_id) in found
    assert "139****9000" not in found
    assert "13800138000" not in found
    nobody = marketer.post("/console/consumers", data={"phone": "13700137000"}).text
    assert "No consumer of this brand has this number." in nobody
    part = marketer.post("/console/consumers", data={"phone": "8000"})
    assert part.status_code == 422
    assert "This is no mobile number." in part.text


def test_a_profile_tells_everything_in_one_timeline_newest_first(
    marketer: FlaskClient,
    alice: Phone,
    alice_id: UUID,
    furnished: Furnished,
    database: Database,
    clock: FixedClock,
) -> None:
    scan(database, furnished, row=1, at=NOW - timedelta(minutes=5), visitor=alice.visitor(furnished))
    scan(database, furnished, row=9, at=NOW - timedelta(minutes=4), verdict=Verdict.SUSPECT)  # somebody else
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    clock.advance(timedelta(minutes=1))
    alice.client.post("/claim", data={"ticket": alice.ticket(furnished, now=clock.now())})
    clock.advance(timedelta(minutes=1))
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        ids = {"tenant_id": furnished.tenant_id, "consumer_id": alice_id}
        ledger.spend(session, **ids, points=4, natural_key="test:spend", actor="test", now=clock.now())  # type: ignore[arg-type]
        consents.withdraw(
            session,
            tenant_id=furnished.tenant_id,
            consumer_id=alice_id,
            purpose=Purpose.SERVICE,
            language=Language.EN,
            channel="web",
            now=clock.now() + timedelta(minutes=1),
        )
    page = words_of(marketer.get(f"/console/consumers/{alice_id}").text)
    told = page[page.index("What happened") : page.index("How they came")]
    order = [
        told.index(said)
        for said in (
            "16:03 Withdrew · Membership",
            "16:02 Points spent -4",
            "16:01 Claim · Welcome points +10",
            "16:00 Agreed · Membership",
            "16:00 Became a member",
            "15:55 Scan · Tea · L1 Genuine, first scan Shanghai 浦东新区",
        )
    ]
    assert order == sorted(order)
    assert told.count("+10") == 1  # the claim and its points are one event
    assert "Suspect" not in told
    assert "Points to spend ? 6" in page
    assert "By scanning a code Product Tea Lot L1" in page
    assert "Membership withdrawn" in page
    assert "6 / 10 until 2027-11-23 00:00" in page


def test_a_new_colleague_gets_a_password_that_works_and_is_shown_once(app: Flask, owner: FlaskClient) -> None:
    form = {"email": "Anna@Brand.example", "name": "Anna", "role": "marketer", "distributor_id": ""}
    page = owner.post("/console/staff/new", data=form)
    assert page.status_code == 200
    password = shown_password(page.text)
    login = {"email": "anna@brand.example", "password": password}
    assert app.test_client().post("/sign-in", data=login).location == "/console/"
    assert password not in owner.get("/console/staff").text
    again = owner.post("/console/staff/new", data=form)
    assert again.status_code == 422
    assert "exists already" in again.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"email": "no address"}, "is not an e-mail address"),
        ({"role": "inspector"}, "Not a valid choice."),
        ({"role": "distributor"}, "Choose whose goods they may see."),
        ({"name": ""}, "Please fill this in."),
    ],
)
def test_accounts_that_cannot_be_are_refused(owner: FlaskClient, typed: dict[str, str], said: str) -> None:
    form = {"email": "bob@brand.example", "name": "Bob", "role": "marketer", "distributor_id": "", **typed}
    answer = owner.post("/console/staff/new", data=form)
    assert answer.status_code == 422
    assert said in answer.text


def test_an_account_for_a_distributor_opens_the_portal_alone(app: Flask, owner: FlaskClient) -> None:
    form = {"email": "d1@trade.example", "name": "Dora", "role": "distributor", "distributor_id": "D1"}
    password = shown_password(owner.post("/console/staff/new", data=form).text)
    client = app.test_client()
    assert client.post("/sign-in", data={"email": "d1@trade.example", "password": password}).location == "/portal/"
    assert client.get("/console/").status_code == 403


def test_a_reset_password_ends_sessions_and_a_disabled_colleague_is_out(app: Flask, owner: FlaskClient, hire: Join) -> None:
    anna = hire(Role.MARKETER)
    client = sign_in(app.test_client(), anna)
    password = shown_password(owner.post(f"/console/staff/{anna.id}/password").text)
    assert client.get("/console/products").status_code == 302
    assert client.post("/sign-in", data={"email": anna.email, "password": PASSWORD}).status_code == 401
    assert client.post("/sign-in", data={"email": anna.email, "password": password}).status_code == 302
    assert "can no longer sign in" in owner.post(f"/console/staff/{anna.id}/disable", follow_redirects=True).text
    assert client.get("/console/products").status_code == 302
    assert "can sign in again" in owner.post(f"/console/staff/{anna.id}/enable", follow_redirects=True).text
    assert client.post("/sign-in", data={"email": anna.email, "password": password}).status_code == 302


def test_an_owner_shuts_nobody_out_of_their_own_account(app: Flask, hire: Join, database: Database) -> None:
    me: StaffMember = hire(Role.OWNER)
    client = sign_in(app.test_client(), me)
    for step in ("password", "disable", "enable"):
        assert client.post(f"/console/staff/{me.id}/{step}").status_code == 409
    with transaction(database.app_engine, tenant_id=me.tenant_id) as session:
        assert not accounts.find(session, tenant_id=me.tenant_id, staff_id=me.id).disabled


def shown_password(page: str) -> str:
    found = re.search(r'<code class="desk-secret">([^<]+)</code>', page)
    assert found
    return found[1]


def test_a_distributor_is_added_with_provinces_and_finer_divisions(
    marketer: FlaskClient, database: Database, furnished: Furnished
) -> None:
    form = {"distributor_id": "D2", "name": "West Lake Tea", "provinces": ["340000"], "divisions": "330100；vn-hn"}
    answer = marketer.post("/console/distributors/new", data=form, follow_redirects=True)
    assert "West Lake Tea is added." in answer.text
    assert "Zhejiang 杭州市" in answer.text
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        saved = distributors.find(session, "D2", tenant_id=furnished.tenant_id)
    assert saved.divisions == ("330100", "340000", "VN-HN")
    again = marketer.post("/console/distributors/new", data={**form, "name": "Another"})
    assert again.status_code == 422
    assert "There is a distributor with this id already." in again.text
    wrong = marketer.post("/console/distributors/D2", data={"name": "West Lake Tea", "divisions": "999999 330106"})
    assert wrong.status_code == 422
    assert "No division has the code 999999." in wrong.text
    moved = {"name": "West Lake", "provinces": ["310000"], "divisions": ""}
    assert marketer.post("/console/distributors/D2", data=moved).status_code == 302
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        assert distributors.find(session, "D2", tenant_id=furnished.tenant_id).divisions == ("310000",)


def test_a_distributor_shows_what_was_shipped_to_them(marketer: FlaskClient, database: Database, furnished: Furnished) -> None:
    assert "Nothing yet." in marketer.get("/console/distributors/D1").text
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        shipped = Shipment(distributor_id="D1", shipped_at=NOW - timedelta(days=2), lot="L1")
        shipments.record(session, [shipped], tenant_id=furnished.tenant_id)
    assert "L1 the lot 2026-11-20 16:00" in words_of(marketer.get("/console/distributors/D1").text)


def test_text_messages_are_shown_for_development_and_say_so(marketer: FlaskClient, alice: Phone) -> None:
    page = words_of(marketer.get("/console/messages").text)
    assert "Development only." in page
    assert re.search(r"\+8613800138000 .*\b\d{6}\b", page)
