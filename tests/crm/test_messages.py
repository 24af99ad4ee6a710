from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from crm import messages
from crm.identities import E164
from crm.messages import (
    ConsoleProvider,
    MessagePurpose,
    ProviderBusyError,
    ProviderError,
    ProviderRefusedError,
    Shown,
    SmsProvider,
)
from tests.conftest import NOW, Brand
from tests.crm.conftest import ALICE_PHONE, KEYS, Open


@dataclass(slots=True)
class FakeProvider:
    """A provider that remembers what it was given and fails as it is told."""

    name: str = "fake"
    failure: ProviderError | None = None
    taken: list[tuple[E164, str, str]] = field(default_factory=list)

    def send(self, phone: E164, body: str, idempotency_key: str) -> str:
        if self.failure is not None:
            raise self.failure
        self.taken.append((phone, body, idempotency_key))
        return "ref-1"


def put(opened: Open, brand: Brand) -> UUID:
    with opened() as session:
        return messages.put(
            session,
            tenant_id=brand.tenant_id,
            keys=KEYS,
            phone=ALICE_PHONE,
            body="code 123456",
            purpose=MessagePurpose.ONE_TIME_CODE,
            now=NOW,
        )


def send(opened: Open, brand: Brand, message_id: UUID, provider: SmsProvider, *, now: datetime = NOW) -> None:
    with opened() as session:
        messages.send_text(
            session, {"message_id": str(message_id)}, tenant_id=brand.tenant_id, keys=KEYS, provider=provider, now=now
        )


def shown(opened: Open, brand: Brand, provider: SmsProvider) -> Shown:
    with opened() as session:
        (only,) = messages.recent(session, tenant_id=brand.tenant_id, keys=KEYS, provider=provider)
        return only


def test_a_message_is_handed_over_once_under_its_own_id(opened: Open, brand: Brand) -> None:
    provider, message_id = FakeProvider(), put(opened, brand)
    send(opened, brand, message_id, provider)
    send(opened, brand, message_id, provider)
    assert provider.taken == [(ALICE_PHONE, "code 123456", str(message_id))]
    assert shown(opened, brand, provider).state is messages.State.SENT


def test_the_outbox_entry_names_the_message_and_nothing_personal(opened: Open, brand: Brand) -> None:
    message_id = put(opened, brand)
    with opened() as session:
        rows = session.execute(text("SELECT topic, payload FROM outbox")).all()
        sealed = session.execute(text("SELECT phone_sealed, body_sealed FROM text_message")).one()
    assert [tuple(row) for row in rows] == [("sms.send", {"message_id": str(message_id)})]
    assert b"123456" not in sealed.phone_sealed + sealed.body_sealed


def test_a_busy_provider_leaves_the_message_queued(opened: Open, brand: Brand) -> None:
    message_id = put(opened, brand)
    with pytest.raises(ProviderBusyError):
        send(opened, brand, message_id, FakeProvider(failure=ProviderBusyError("try later")))
    assert shown(opened, brand, ConsoleProvider()).state is messages.State.QUEUED


def test_a_refused_message_fails_for_good(opened: Open, brand: Brand) -> None:
    message_id = put(opened, brand)
    send(opened, brand, message_id, FakeProvider(failure=ProviderRefusedError("no such number")))
    assert shown(opened, brand, ConsoleProvider()).state is messages.State.FAILED


def test_a_code_that_has_expired_is_not_sent_any_more(opened: Open, brand: Brand) -> None:
    provider, message_id = FakeProvider(), put(opened, brand)
    send(opened, brand, message_id, provider, now=NOW + timedelta(minutes=6))
    assert provider.taken == []
    assert shown(opened, brand, provider).state is messages.State.FAILED


def test_the_development_console_shows_number_and_text(opened: Open, brand: Brand) -> None:
    send(opened, brand, put(opened, brand), ConsoleProvider())
    one = shown(opened, brand, ConsoleProvider())
    assert (one.phone, one.body, one.provider) == (ALICE_PHONE, "code 123456", "console")


def test_a_real_providers_messages_stay_closed(opened: Open, brand: Brand) -> None:
    send(opened, brand, put(opened, brand), FakeProvider())
    for provider in (FakeProvider(), ConsoleProvider()):
        one = shown(opened, brand, provider)
        assert (one.phone, one.body) == ("+86 138****5678", "")
