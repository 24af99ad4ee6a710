from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import text

from crm import consents, identities, joining, messages, people, profile
from crm.consents import ConsentForm, ConsentNeeded, ConsentTextUnknown, Language, Purpose
from crm.identities import E164
from crm.joining import CodeOver, CodesOfPhone, CodesOfVisitor, CodeTooSoon, CodeWrong, Joined, NotJoined
from crm.people import FirstTouch
from kit.db import transaction
from kit.refusals import Refusal
from tests.conftest import NOW, Brand, Database
from tests.crm.conftest import ALICE_PHONE, BOB_PHONE, KEYS, Member, Open
from tests.crm.test_ledger import at_once

MINUTE = timedelta(minutes=1)
FORM = ConsentForm(granted=frozenset({Purpose.SERVICE}), version=consents.VERSION, language=Language.ZH, channel="web")
SCAN = FirstTouch(channel="scan", gtin="09521234543213", lot="L1")


class Phones:
    """A phone in somebody's hand: asks for codes and types them."""

    def __init__(self, opened: Open, tenant_id: int) -> None:
        self._opened = opened
        self._tenant_id = tenant_id

    def ask(
        self,
        *,
        phone: E164 = ALICE_PHONE,
        visitor: bytes = b"visitorA",
        now: datetime = NOW,
        code: str = "123456",
        language: Language = Language.ZH,
    ) -> joining.CodeSent:
        with self._opened() as session:
            return joining.request_code(
                session,
                tenant_id=self._tenant_id,
                keys=KEYS,
                brand_name="Tea",
                phone=phone,
                visitor=visitor,
                language=language,
                now=now,
                draw=lambda digits: code[:digits],
            )

    def type(
        self,
        code: str = "123456",
        *,
        phone: E164 = ALICE_PHONE,
        visitor: bytes = b"visitorA",
        form: ConsentForm = FORM,
        now: datetime = NOW,
    ) -> Joined | NotJoined:
        with self._opened() as session:
            return joining.join(
                session,
                tenant_id=self._tenant_id,
                keys=KEYS,
                phone=phone,
                code=code,
                visitor=visitor,
                form=form,
                source=SCAN,
                now=now,
            )


@pytest.fixture
def phones(opened: Open, brand: Brand) -> Phones:
    return Phones(opened, brand.tenant_id)


def refusal_of(outcome: Joined | NotJoined) -> Refusal:
    assert isinstance(outcome, NotJoined)
    return outcome.refusal


def consumers(opened: Open) -> int:
    with opened() as session:
        return session.scalar(text("SELECT count(*) FROM consumer")) or 0


def test_a_phone_with_its_code_becomes_a_member_with_visitor_consent_and_source(
    opened: Open, brand: Brand, phones: Phones
) -> None:
    sent = phones.ask()
    assert (sent.phone, sent.expires_at, sent.resend_at) == ("+86 138****5678", NOW + 5 * MINUTE, NOW + MINUTE)
    joined = phones.type(" 123456 ")
    assert isinstance(joined, Joined)
    assert (joined.is_new, joined.visitor_linked) == (True, True)
    with opened() as session:
        alice = profile.one(session, tenant_id=brand.tenant_id, consumer_id=joined.consumer_id, keys=KEYS, now=NOW)
    assert (alice.phone, alice.visitors, alice.language) == ("+86 138****5678", (b"visitorA",), "zh")
    assert alice.source == {"channel": "scan", "gtin": "09521234543213", "lot": "L1"}
    assert [(purpose, answer.granted) for purpose, answer in alice.consents.items()] == [(Purpose.SERVICE, True)]


def test_the_code_goes_out_in_the_language_asked_for_and_only_as_a_queued_message(
    opened: Open, brand: Brand, phones: Phones
) -> None:
    phones.ask(code="042137", language=Language.EN)
    with opened() as session:
        shown = messages.recent(session, tenant_id=brand.tenant_id, keys=KEYS, provider=messages.ConsoleProvider())
        hashes = session.scalars(text("SELECT code_hash FROM one_time_code")).all()
    assert [(message.state.value, message.phone) for message in shown] == [("queued", ALICE_PHONE)]
    assert "Tea: your code is 042137, valid for 5 minutes." in shown[0].body
    assert b"042137" not in hashes[0]


def test_asking_for_a_code_says_the_same_of_members_and_strangers(alice: Member, phones: Phones) -> None:
    of_member = phones.ask(phone=alice.phone)
    of_stranger = phones.ask(phone=E164("+8613812345679"), visitor=b"visitorB")
    assert (of_member.expires_at, of_member.resend_at) == (of_stranger.expires_at, of_stranger.resend_at)


def test_signing_in_again_finds_the_same_member_and_keeps_the_first_source(opened: Open, phones: Phones) -> None:
    phones.ask()
    first = phones.type()
    later = NOW + 10 * MINUTE
    phones.ask(visitor=b"visitorB", now=later)
    again = phones.type(visitor=b"visitorB", now=later)
    assert isinstance(first, Joined)
    assert isinstance(again, Joined)
    assert (again.consumer_id, again.is_new, again.visitor_linked) == (first.consumer_id, False, True)
    assert consumers(opened) == 1


def test_a_wrong_code_costs_a_try_and_the_fifth_ends_the_code(phones: Phones) -> None:
    phones.ask()
    refused = [refusal_of(phones.type("000000")) for _ in range(5)]
    assert [refusal.data.get("tries_left") for refusal in refused] == [4, 3, 2, 1, None]
    assert isinstance(refused[0], CodeWrong)
    assert isinstance(refused[4], CodeOver)
    assert isinstance(refusal_of(phones.type("123456")), CodeOver)


def test_guessing_in_parallel_gets_no_more_than_five_tries(
    database: Database, brand: Brand, opened: Open, phones: Phones
) -> None:
    phones.ask()
    outcomes = at_once(24, lambda number: phones.type(f"{number:06d}"))
    refusals = [refusal_of(outcome) for outcome in outcomes if isinstance(outcome, NotJoined)]
    assert len(refusals) == 24
    assert {refusal.data["tries_left"] for refusal in refusals if isinstance(refusal, CodeWrong)} == {1, 2, 3, 4}
    with opened() as session:
        assert session.scalar(text("SELECT tries FROM one_time_code")) == 5


def test_a_code_works_once_though_it_is_typed_many_times_at_once(opened: Open, phones: Phones) -> None:
    phones.ask()
    outcomes = at_once(16, lambda _: phones.type())
    assert len([outcome for outcome in outcomes if isinstance(outcome, Joined)]) == 1
    assert {type(refusal_of(outcome)) for outcome in outcomes if isinstance(outcome, NotJoined)} == {CodeOver}
    assert consumers(opened) == 1


def test_a_code_lives_five_minutes(phones: Phones) -> None:
    phones.ask()
    assert isinstance(refusal_of(phones.type(now=NOW + 5 * MINUTE)), CodeOver)
    assert isinstance(phones.type(now=NOW + 5 * MINUTE - timedelta(seconds=1)), Joined)


def test_only_the_latest_code_counts(phones: Phones) -> None:
    phones.ask(code="111111")
    phones.ask(code="222222", now=NOW + MINUTE)
    assert isinstance(refusal_of(phones.type("111111", now=NOW + MINUTE)), CodeWrong)
    assert isinstance(phones.type("222222", now=NOW + MINUTE), Joined)


def test_a_strangers_wrong_codes_use_up_no_tries_of_the_one_who_asked(phones: Phones) -> None:
    phones.ask()
    for code in ("000000", "111111", "222222", "333333", "444444", "123456"):
        assert isinstance(refusal_of(phones.type(code, visitor=b"visitorB")), CodeOver)
    assert isinstance(phones.type(), Joined)


def test_a_code_of_one_phone_is_no_code_of_another(phones: Phones) -> None:
    phones.ask(phone=ALICE_PHONE)
    assert isinstance(refusal_of(phones.type(phone=BOB_PHONE)), CodeOver)


def test_a_second_code_within_a_minute_is_refused_and_says_when(phones: Phones) -> None:
    phones.ask()
    with pytest.raises(CodeTooSoon) as refused:
        phones.ask(now=NOW + timedelta(seconds=17))
    assert refused.value.data == {"retry_after_s": 43}


def test_a_phone_gets_five_codes_in_an_hour(phones: Phones) -> None:
    for number in range(5):
        phones.ask(visitor=b"visitor%d" % number, now=NOW + number * MINUTE)
    with pytest.raises(CodesOfPhone) as refused:
        phones.ask(now=NOW + 6 * MINUTE)
    assert refused.value.data == {"retry_after_s": 54 * 60}
    phones.ask(now=NOW + 60 * MINUTE)


def test_codes_that_strangers_ask_for_keep_no_member_out_of_their_own_browser(phones: Phones) -> None:
    phones.ask()
    assert isinstance(phones.type(), Joined)
    later = NOW + timedelta(hours=2)
    for number in range(5):
        phones.ask(visitor=b"visitor%d" % number, now=later + number * MINUTE)
    with pytest.raises(CodesOfPhone):
        phones.ask(visitor=b"visitorX", now=later + 5 * MINUTE)
    for number in range(5):
        phones.ask(now=later + (5 + number) * MINUTE)
    with pytest.raises(CodesOfPhone):
        phones.ask(now=later + 10 * MINUTE)


def test_a_visitor_gets_ten_codes_in_an_hour_whatever_the_numbers(phones: Phones) -> None:
    for number in range(10):
        phones.ask(phone=E164(f"+86138123456{number:02d}"), now=NOW)
    with pytest.raises(CodesOfVisitor):
        phones.ask(phone=E164("+8613812345699"), now=NOW + MINUTE)
    phones.ask(phone=E164("+8613812345699"), visitor=b"visitorB", now=NOW + MINUTE)


def test_limits_hold_when_all_ask_at_once(opened: Open, phones: Phones) -> None:
    by_phone = at_once(16, lambda number: phones.ask(visitor=b"visit%03d" % number))
    assert len([answer for answer in by_phone if isinstance(answer, joining.CodeSent)]) == 1
    by_visitor = at_once(16, lambda number: phones.ask(phone=E164(f"+86139123456{number:02d}"), visitor=b"visitorZ"))
    assert len([answer for answer in by_visitor if isinstance(answer, joining.CodeSent)]) == 10
    with opened() as session:
        assert session.scalar(text("SELECT count(*) FROM outbox")) == 11


@pytest.mark.parametrize(
    ("granted", "version", "refusal"),
    [
        (frozenset({Purpose.MARKETING}), consents.VERSION, ConsentNeeded),
        (frozenset({Purpose.SERVICE}), "1999-01", ConsentTextUnknown),
    ],
)
def test_joining_without_the_service_consent_is_refused_and_costs_no_try(
    phones: Phones, granted: frozenset[Purpose], version: str, refusal: type[Refusal]
) -> None:
    phones.ask()
    with pytest.raises(refusal):
        phones.type(form=ConsentForm(granted=granted, version=version, language=Language.ZH, channel="web"))
    assert isinstance(phones.type(), Joined)


def test_two_brands_keep_their_members_apart(
    database: Database, phones: Phones, other_brand: Brand, charlie: Member, opened: Open
) -> None:
    phones.ask()
    joined = phones.type()
    assert isinstance(joined, Joined)
    assert joined.is_new
    with transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session:
        phone_hash = identities.hash_phone(ALICE_PHONE, keys=KEYS, tenant_id=other_brand.tenant_id)
        assert identities.find_by_phone_hash(session, tenant_id=other_brand.tenant_id, phone_hash=phone_hash) == charlie.id


def test_many_who_create_one_number_at_once_get_one_consumer(opened: Open, phones: Phones, brand: Brand) -> None:
    numbers = count()
    create: Callable[[int], object] = lambda _: _create(opened, brand, next(numbers))  # noqa: E731 - one line reads best here
    found = at_once(16, create)
    assert len(set(found)) == 1
    assert consumers(opened) == 1


def _create(opened: Open, brand: Brand, number: int) -> object:
    with opened() as session:
        return people.find_or_create(
            session,
            tenant_id=brand.tenant_id,
            keys=KEYS,
            phone=ALICE_PHONE,
            source=FirstTouch(channel="import", lot=str(number)),
            language="zh",
            now=NOW,
        ).consumer_id


def test_old_codes_and_messages_are_forgotten_once_no_limit_needs_them(opened: Open, phones: Phones, brand: Brand) -> None:
    phones.ask()
    phones.ask(phone=BOB_PHONE, now=NOW + 24 * 60 * MINUTE)
    with opened() as session:
        joining.forget_old(session, tenant_id=brand.tenant_id, now=NOW + 24 * 60 * MINUTE + MINUTE)
        assert session.scalar(text("SELECT count(*) FROM one_time_code")) == 1
        assert session.scalar(text("SELECT count(*) FROM text_message")) == 1
