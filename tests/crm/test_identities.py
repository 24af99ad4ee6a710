import pytest
from sqlalchemy import text

from crm import identities
from crm.identities import E164, PersonalKeys, PhoneInvalid
from tests.conftest import NOW
from tests.crm.conftest import ALICE_PHONE, KEYS, Member, Open

VISITOR = b"visitor1"


@pytest.mark.parametrize(
    "typed",
    ["13812345678", "138 1234 5678", "+86 138-1234-5678", "0086 13812345678", "１３８１２３４５６７８", "+8613812345678 "],
)
def test_one_phone_has_one_spelling_however_it_is_typed(typed: str) -> None:
    assert identities.read_phone(typed) == ALICE_PHONE


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("hello", "no_number"),
        ("138123", "too_short"),
        ("138123456789012", "too_long"),
        ("+999 13812345678", "country"),
        ("12012345678", "unassigned"),
        ("010 6552 9988", "no_mobile"),
        ("13812345678 ext 9", "extension"),
    ],
)
def test_what_cannot_get_a_text_message_is_refused_with_a_reason_and_without_the_number(typed: str, reason: str) -> None:
    with pytest.raises(PhoneInvalid) as refused:
        identities.read_phone(typed)
    assert refused.value.data == {"reason": reason}


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("+8613812345678", "+86 138****5678"), ("+6581234567", "+65 8*****67"), ("+14155552671", "+1 415***2671")],
)
def test_a_masked_number_hides_its_middle(phone: str, shown: str) -> None:
    assert identities.masked(E164(phone)) == shown


def test_the_keys_differ_by_use_and_do_not_show_in_a_log() -> None:
    assert len({KEYS.hashing, KEYS.sealing, KEYS.codes, KEYS.messages}) == 4
    assert repr(KEYS) == "PersonalKeys()"
    assert PersonalKeys.derive(b"another secret") != KEYS


def test_two_brands_do_not_share_the_hash_of_a_number() -> None:
    one, other = (identities.hash_phone(ALICE_PHONE, keys=KEYS, tenant_id=tenant_id) for tenant_id in (1, 2))
    assert one != other


def test_the_database_holds_no_readable_number(opened: Open, alice: Member) -> None:
    with opened() as session:
        rows = session.execute(text("SELECT value_hash, value_sealed FROM identity")).all()
    assert len(rows) == 1
    assert b"13812345678" not in rows[0].value_sealed + rows[0].value_hash
    assert identities.unseal_phone(rows[0].value_sealed, keys=KEYS, tenant_id=alice.tenant_id) == ALICE_PHONE


def test_a_shared_device_goes_on_naming_its_first_member(opened: Open, alice: Member, bob: Member) -> None:
    with opened() as session:
        link = identities.link_visitor
        assert link(session, tenant_id=alice.tenant_id, consumer_id=alice.id, visitor=VISITOR, now=NOW)
        assert link(session, tenant_id=alice.tenant_id, consumer_id=alice.id, visitor=VISITOR, now=NOW)
        assert not link(session, tenant_id=alice.tenant_id, consumer_id=bob.id, visitor=VISITOR, now=NOW)
        assert identities.find_by_visitor(session, tenant_id=alice.tenant_id, visitor=VISITOR) == alice.id
        assert identities.visitors_of(session, tenant_id=alice.tenant_id, consumer_id=bob.id) == ()


def test_a_visitor_of_another_length_is_a_mistake_of_the_caller(opened: Open, alice: Member) -> None:
    with opened() as session, pytest.raises(ValueError, match="8 bytes"):
        identities.link_visitor(session, tenant_id=alice.tenant_id, consumer_id=alice.id, visitor=b"short", now=NOW)
