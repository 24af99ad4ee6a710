"""Joining: every mistake beside its field, the same answers for everybody, consent as it was given."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from crm import consents, identities
from crm.consents import Purpose
from crm.identities import PersonalKeys
from kit.clock import FixedClock
from kit.db import transaction
from kit.settings import Settings
from scanservice.verdicts import Reason, Verdict
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.phones import Phone, join, last_code, offer, phone

NUMBER = "13800138000"


@pytest.fixture
def alice(app: Flask, settings: Settings) -> Phone:
    return phone(app, settings)


def send(on: Phone, ticket: str, *, number: str = NUMBER, step: str = "send") -> tuple[int, str]:
    answer = on.client.post(f"/join/{ticket}", data={"phone": number, "step": step}, headers={"Accept-Language": "en"})
    return answer.status_code, answer.text


def try_code(on: Phone, ticket: str, code: str, **fields: str) -> tuple[int, str]:
    data = {"phone": f"+86{NUMBER}", "step": "join", "code": code, "service": "yes", "version": consents.VERSION, **fields}
    answer = on.client.post(f"/join/{ticket}", data=data, headers={"Accept-Language": "en"})
    return answer.status_code, answer.text


def test_the_first_step_has_a_number_keypad_and_says_what_the_number_is_for(alice: Phone, furnished: Furnished) -> None:
    page = alice.page(f"/join/{alice.ticket(furnished, now=NOW)}")
    assert 'inputmode="tel"' in page
    assert 'autocomplete="tel"' in page
    assert "We use the number to send you this code." in page


def test_the_second_step_shows_texts_with_version_and_empty_boxes(alice: Phone, furnished: Furnished) -> None:
    status, page = send(alice, alice.ticket(furnished, now=NOW))
    assert status == 200
    assert 'autocomplete="one-time-code"' in page
    assert "+86 138****8000" in page
    assert "To run your membership we keep your phone number" in page
    assert "This brand may tell me about campaigns" in page
    assert f"Version {consents.VERSION}" in page
    assert " checked" not in page.split("<form")[1]


def test_joining_leads_back_to_the_check_and_keeps_only_what_was_ticked(
    alice: Phone, furnished: Furnished, database: Database, settings: Settings
) -> None:
    offer(database, tenant_id=furnished.tenant_id, now=NOW)
    ticket = alice.ticket(furnished, now=NOW)
    assert "Join and collect" in alice.page(f"/s/{ticket}")
    join(alice, ticket, database, tenant_id=furnished.tenant_id)
    page = alice.page(f"/s/{ticket}")
    assert "Welcome! You have joined." in page
    assert "Collect 10 points" in page
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        hashed = identities.hash_phone(
            identities.read_phone(NUMBER), keys=PersonalKeys.derive(settings.secret_bytes), tenant_id=furnished.tenant_id
        )
        consumer_id = identities.find_by_phone_hash(session, tenant_id=furnished.tenant_id, phone_hash=hashed)
        assert consumer_id is not None
        answers = consents.current(session, tenant_id=furnished.tenant_id, consumer_id=consumer_id)
        assert identities.find_by_visitor(session, tenant_id=furnished.tenant_id, visitor=alice.visitor(furnished)) == consumer_id
    assert set(answers) == {Purpose.SERVICE}
    assert answers[Purpose.SERVICE].version == consents.VERSION
    assert answers[Purpose.SERVICE].scan_id is not None


def test_a_member_signs_in_the_same_way_and_is_answered_the_same(
    app: Flask, alice: Phone, furnished: Furnished, database: Database, settings: Settings, clock: FixedClock
) -> None:
    join(alice, alice.ticket(furnished, now=NOW), database, tenant_id=furnished.tenant_id)
    clock.advance(timedelta(minutes=2))
    known, unknown = phone(app, settings), phone(app, settings)
    of_known = send(known, known.ticket(furnished, now=clock.now()))[1]
    of_unknown = send(unknown, unknown.ticket(furnished, now=clock.now()), number="13900139000")[1]

    def shape(page: str) -> str:
        """The form as everybody gets it: without its token and the number."""
        form = page.split("<form")[1].split("</form>", maxsplit=1)[0].replace("+8613900139000", "+8613800138000")
        return re.sub(r'name="csrf_token" value="[^"]*"', "", form)

    assert shape(of_known) == shape(of_unknown)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("", "Please type your mobile phone number."),
        ("138", "This number is too short."),
        ("1380013800012345", "This number is too long."),
        ("hello", "This is not a phone number."),
        ("+999 123 456 789", "We do not know this country code."),
        ("+86 10 6552 9988", "This is not a mobile number"),
        ("12800138000", "There is no such number."),
    ],
)
def test_each_wrong_number_has_its_own_words_beside_the_field(alice: Phone, furnished: Furnished, number: str, said: str) -> None:
    status, page = send(alice, alice.ticket(furnished, now=NOW), number=number)
    assert status == 422
    assert said in page.split('id="phone-error"')[1].split("</p>")[0]
    assert 'aria-invalid="true"' in page


def test_other_countries_may_join(alice: Phone, furnished: Furnished) -> None:
    status, page = send(alice, alice.ticket(furnished, now=NOW), number="+65 8123 4567")
    assert status == 200
    assert "+65 " in page


def test_pressing_send_twice_goes_on_with_the_code_on_its_way(
    alice: Phone, furnished: Furnished, database: Database, settings: Settings
) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    send(alice, ticket)
    status, page = send(alice, ticket, step="resend")
    assert status == 429
    assert "You can ask for another in 60 seconds." in page
    assert 'data-wait-s="60"' in page
    assert try_code(alice, ticket, last_code(database, settings, tenant_id=furnished.tenant_id))[0] == 303


def test_another_code_comes_after_the_wait_and_the_first_is_over(
    alice: Phone, furnished: Furnished, database: Database, settings: Settings, clock: FixedClock
) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    send(alice, ticket)
    first = last_code(database, settings, tenant_id=furnished.tenant_id)
    clock.advance(timedelta(seconds=61))
    assert send(alice, ticket, step="resend")[0] == 200
    second = last_code(database, settings, tenant_id=furnished.tenant_id)
    if first != second:
        assert try_code(alice, ticket, first)[0] == 422
    assert try_code(alice, ticket, second)[0] == 303


def test_a_wrong_code_says_how_many_tries_are_left_and_keeps_what_was_ticked(
    alice: Phone, furnished: Furnished, database: Database, settings: Settings
) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    send(alice, ticket)
    right = last_code(database, settings, tenant_id=furnished.tenant_id)
    wrong = "000000" if right != "000000" else "111111"
    status, page = try_code(alice, ticket, wrong, marketing="yes")
    assert status == 422
    assert "Tries left: 4." in page.split('id="code-error"')[1].split("</p>")[0]
    assert page.count(" checked") == 2
    for _ in range(4):
        status, page = try_code(alice, ticket, wrong)
    assert "too old or was tried too often" in page
    assert try_code(alice, ticket, right)[0] == 422


def test_an_expired_code_says_so(
    alice: Phone, furnished: Furnished, database: Database, settings: Settings, clock: FixedClock
) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    send(alice, ticket)
    code = last_code(database, settings, tenant_id=furnished.tenant_id)
    clock.advance(timedelta(minutes=6))
    status, page = try_code(alice, ticket, code)
    assert status == 422
    assert "too old or was tried too often" in page


def test_an_empty_code_and_a_missing_consent_are_told_at_once_and_cost_no_try(
    alice: Phone, furnished: Furnished, database: Database, settings: Settings
) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    send(alice, ticket)
    answer = alice.client.post(
        f"/join/{ticket}", data={"phone": NUMBER, "step": "join", "code": " "}, headers={"Accept-Language": "en"}
    )
    assert answer.status_code == 422
    assert "Please type the code from the text message." in answer.text
    assert "Without this consent we cannot keep points for you." in answer.text
    code = last_code(database, settings, tenant_id=furnished.tenant_id)
    assert try_code(alice, ticket, f" {code[:3]} {code[3:]} ")[0] == 303


def test_consent_to_a_text_that_nobody_published_is_refused(
    alice: Phone, furnished: Furnished, database: Database, settings: Settings
) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    send(alice, ticket)
    code = last_code(database, settings, tenant_id=furnished.tenant_id)
    status, page = try_code(alice, ticket, code, version="1999-01")
    assert status == 422
    assert "The text of this consent has changed." in page


def test_a_number_gets_only_so_many_codes(alice: Phone, furnished: Furnished, clock: FixedClock) -> None:
    for _ in range(5):
        assert send(alice, alice.ticket(furnished, now=clock.now()))[0] == 200
        clock.advance(timedelta(seconds=61))
    status, page = send(alice, alice.ticket(furnished, now=clock.now()))
    assert status == 429
    assert "Too many codes were sent to this number." in page.split('id="phone-error"')[1].split("</p>")[0]


def test_an_address_gets_only_so_many_codes(
    app: Flask, settings: Settings, furnished: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.consumer.join.CODES_PER_ADDRESS", "1/10 minutes")
    first, second = phone(app, settings), phone(app, settings)
    assert send(first, first.ticket(furnished, now=NOW))[0] == 200
    status, page = send(second, second.ticket(furnished, now=NOW), number="13900139000")
    assert status == 429
    assert "Too many tries came from here." in page


def test_another_phones_ticket_cannot_ask_for_codes(app: Flask, settings: Settings, alice: Phone, furnished: Furnished) -> None:
    charlie = phone(app, settings)
    status, page = send(charlie, alice.ticket(furnished, now=NOW))
    assert status == 403
    assert "another device" in page


def test_a_code_that_is_not_ours_cannot_start_a_membership(alice: Phone, furnished: Furnished) -> None:
    ticket = alice.ticket(
        furnished,
        now=NOW,
        verdict=Verdict.COUNTERFEIT,
        reasons=(Reason("bad_serial"),),
        epoch=None,
        counter=None,
        order_id=None,
        serial="X",
    )
    assert send(alice, ticket)[0] == 409


def test_forms_without_their_token_are_refused_in_words(app: Flask, alice: Phone, furnished: Furnished) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    status, page = send(alice, alice.ticket(furnished, now=NOW))
    assert status == 400
    assert "This page was open for too long" in page


def test_who_is_signed_in_is_not_asked_again(alice: Phone, furnished: Furnished, database: Database) -> None:
    ticket = alice.ticket(furnished, now=NOW)
    join(alice, ticket, database, tenant_id=furnished.tenant_id)
    assert alice.client.get(f"/join/{ticket}").status_code == 303


def test_without_a_provider_nobody_is_asked_for_a_code_that_cannot_come(
    app: Flask, alice: Phone, furnished: Furnished, settings: Settings
) -> None:
    """In production the development console, which shows codes to staff, must be chosen by name."""
    production = settings.model_copy(update={"environment": "production"})
    app.extensions["onemark"] = replace(app.extensions["onemark"], settings=production)
    status, page = send(alice, alice.ticket(furnished, now=NOW))
    assert status == 503
    assert "No text messages can be sent" in page
