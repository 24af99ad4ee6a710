import hashlib
from datetime import timedelta

from crm import consents
from crm.consents import ConsentForm, Language, Purpose
from tests.conftest import NOW
from tests.crm.conftest import Member, Open

BOTH = ConsentForm(
    granted=frozenset({Purpose.SERVICE, Purpose.MARKETING}), version="2026-11", language=Language.EN, channel="web"
)
SERVICE = ConsentForm(granted=frozenset({Purpose.SERVICE}), version="2026-11", language=Language.EN, channel="web")
# What people agreed to must stay what they read: another text needs another version.
PUBLISHED = {"2026-11": "5603efa370e2a59b4430bbc3a3eba7e9268a3e1adf03a0744e99981aa187d5e2"}


def test_a_published_text_never_changes() -> None:
    digests = {
        version: hashlib.sha256(
            "".join(by_purpose[purpose][language] for purpose in Purpose for language in Language).encode()
        ).hexdigest()
        for version, by_purpose in consents.TEXTS.items()
    }
    assert digests == PUBLISHED


def test_every_purpose_has_its_text_in_both_languages() -> None:
    assert all(consents.text(purpose, language=language) for purpose in Purpose for language in Language)


def test_an_answer_keeps_the_words_it_was_given_to(opened: Open, alice: Member) -> None:
    with opened() as session:
        consents.grant(session, tenant_id=alice.tenant_id, consumer_id=alice.id, form=BOTH, now=NOW)
        answer = consents.current(session, tenant_id=alice.tenant_id, consumer_id=alice.id)[Purpose.MARKETING]
    shown = consents.text(Purpose.MARKETING, language=Language.EN)
    assert answer.text_sha256 == hashlib.sha256(shown.encode()).digest()
    assert (answer.granted, answer.version, answer.language, answer.given_at) == (True, "2026-11", Language.EN, NOW)


def test_the_last_answer_counts_and_all_stay_on_record(opened: Open, alice: Member, bob: Member) -> None:
    with opened() as session:
        consents.grant(session, tenant_id=bob.tenant_id, consumer_id=bob.id, form=SERVICE, now=NOW)
        consents.grant(session, tenant_id=alice.tenant_id, consumer_id=alice.id, form=BOTH, now=NOW)
        ended = consents.withdraw(
            session,
            tenant_id=alice.tenant_id,
            consumer_id=alice.id,
            purpose=Purpose.MARKETING,
            language=Language.EN,
            channel="web",
            now=NOW,
        )
        history = consents.history(session, tenant_id=alice.tenant_id, consumer_id=alice.id)
        asked = {
            purpose: consents.is_granted(session, tenant_id=alice.tenant_id, consumer_id=alice.id, purpose=purpose)
            for purpose in Purpose
        }
        counts = consents.granted_counts(session, tenant_id=alice.tenant_id)
    assert ended
    assert (history[0].purpose, history[0].granted) == (Purpose.MARKETING, False)
    assert len(history) == 3
    assert asked == {Purpose.SERVICE: True, Purpose.MARKETING: False, Purpose.LOCATION: False}
    assert counts == {Purpose.SERVICE: 2, Purpose.MARKETING: 0, Purpose.LOCATION: 0}


def test_an_empty_box_at_the_next_sign_in_withdraws_nothing_and_repeats_nothing(opened: Open, alice: Member) -> None:
    with opened() as session:
        first = consents.grant(session, tenant_id=alice.tenant_id, consumer_id=alice.id, form=BOTH, now=NOW)
        second = consents.grant(
            session, tenant_id=alice.tenant_id, consumer_id=alice.id, form=SERVICE, now=NOW + timedelta(days=1)
        )
        standing = consents.current(session, tenant_id=alice.tenant_id, consumer_id=alice.id)
    assert (first, second) == ((Purpose.MARKETING, Purpose.SERVICE), ())
    assert standing[Purpose.MARKETING].granted


def test_what_was_never_granted_cannot_be_withdrawn(opened: Open, alice: Member) -> None:
    with opened() as session:
        assert not consents.withdraw(
            session,
            tenant_id=alice.tenant_id,
            consumer_id=alice.id,
            purpose=Purpose.LOCATION,
            language=Language.ZH,
            channel="web",
            now=NOW,
        )
