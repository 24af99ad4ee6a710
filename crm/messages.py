"""Text messages: written in the transaction that wants them, sent by the outbox afterwards.

Promises: number and text lie sealed; a message keeps its id through every try, and the provider is given it as idempotency key;
a one-time code that is too old to be used is not sent any more.
Refuses to show texts unless the provider is the development console, which sends nothing and shows everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm import identities
from crm.identities import E164, PersonalKeys
from crm.models import TextMessage
from kit import ids, log, outbox, seals

TOPIC = "sms.send"
SHOWN_MAX = 100
KEPT = timedelta(days=1)

_log = log.get(__name__)


class MessagePurpose(StrEnum):
    ONE_TIME_CODE = "one_time_code"


class State(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


# A code is of no use once it has expired; its message is not worth the money either.
WORTH_SENDING = {MessagePurpose.ONE_TIME_CODE: timedelta(minutes=5)}


class ProviderError(Exception):
    """The provider did not take the message. `retry` says whether the same message may be taken later."""

    retry: ClassVar[bool]


class ProviderBusyError(ProviderError):
    retry = True


class ProviderRefusedError(ProviderError):
    retry = False


class SmsProvider(Protocol):
    @property
    def name(self) -> str: ...

    def send(self, phone: E164, body: str, idempotency_key: str) -> str:
        """Hands over one message and returns the provider's reference; the same key twice is one message. Raises ProviderError."""


@dataclass(frozen=True, slots=True)
class ConsoleProvider:
    """For development: nothing leaves the machine, and the console's outbox page shows number and text."""

    name: str = "console"

    def send(self, phone: E164, body: str, idempotency_key: str) -> str:  # noqa: ARG002 - the page reads the stored message
        return f"console:{idempotency_key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message for the outbox page. `phone` is masked and `body` empty unless the provider is the development console."""

    id: UUID
    phone: str
    body: str
    purpose: MessagePurpose
    state: State
    provider: str
    created_at: datetime
    sent_at: datetime | None


def put(
    session: Session, *, tenant_id: int, keys: PersonalKeys, phone: E164, body: str, purpose: MessagePurpose, now: datetime
) -> UUID:
    """Writes the message and its outbox entry into the running transaction."""
    message_id = ids.uuid7(now)
    session.execute(
        insert(TextMessage).values(
            tenant_id=tenant_id,
            id=message_id,
            phone_sealed=identities.seal_phone(phone, keys=keys, tenant_id=tenant_id),
            body_sealed=seals.seal(keys.messages, body.encode(), context=_context(tenant_id, message_id)),
            purpose=purpose.value,
            state=State.QUEUED.value,
            created_at=now,
        )
    )
    outbox.put(session, tenant_id=tenant_id, topic=TOPIC, payload={"message_id": str(message_id)}, now=now)
    return message_id


def send_text(
    session: Session,
    payload: Mapping[str, str],
    *,
    tenant_id: int,
    keys: PersonalKeys,
    provider: SmsProvider,
    now: datetime,
) -> None:
    """What an outbox entry of TOPIC asks for. A busy provider's error passes through: the entry stays and is tried again."""
    message = session.scalar(
        select(TextMessage)
        .where(
            TextMessage.tenant_id == tenant_id,
            TextMessage.id == UUID(payload["message_id"]),
            TextMessage.state == State.QUEUED.value,
        )
        .with_for_update()
    )
    if message is None:
        return
    message.provider = provider.name
    worth = WORTH_SENDING.get(MessagePurpose(message.purpose))
    if worth is not None and now - message.created_at > worth:
        message.state = State.FAILED.value
        _log.warning("text message too late to be of use", message_id=str(message.id))
        return
    phone = identities.unseal_phone(message.phone_sealed, keys=keys, tenant_id=tenant_id)
    try:
        message.provider_reference = provider.send(phone, _body(message, keys=keys), str(message.id))
    except ProviderError as error:
        if error.retry:
            raise
        message.state = State.FAILED.value
        _log.warning("text message refused by the provider", message_id=str(message.id), error=str(error))
        return
    message.state = State.SENT.value
    message.sent_at = now


def forget_old(session: Session, *, tenant_id: int, now: datetime) -> None:
    """Deletes messages that nobody needs to look up any more."""
    session.execute(delete(TextMessage).where(TextMessage.tenant_id == tenant_id, TextMessage.created_at < now - KEPT))


def recent(
    session: Session, *, tenant_id: int, keys: PersonalKeys, provider: SmsProvider, rows_max: int = SHOWN_MAX
) -> Sequence[Shown]:
    """The latest messages, newest first."""
    rows = session.scalars(
        select(TextMessage)
        .where(TextMessage.tenant_id == tenant_id)
        .order_by(TextMessage.created_at.desc(), TextMessage.id.desc())
        .limit(min(rows_max, SHOWN_MAX))
    )
    return [_shown(row, keys=keys, open_=isinstance(provider, ConsoleProvider)) for row in rows]


def _shown(message: TextMessage, *, keys: PersonalKeys, open_: bool) -> Shown:
    phone = identities.unseal_phone(message.phone_sealed, keys=keys, tenant_id=message.tenant_id)
    # A message that a real provider once sent stays closed, also after the provider was changed.
    is_open = open_ and message.provider in {"", ConsoleProvider().name}
    return Shown(
        id=message.id,
        phone=str(phone) if is_open else identities.masked(phone),
        body=_body(message, keys=keys) if is_open else "",
        purpose=MessagePurpose(message.purpose),
        state=State(message.state),
        provider=message.provider,
        created_at=message.created_at,
        sent_at=message.sent_at,
    )


def _body(message: TextMessage, *, keys: PersonalKeys) -> str:
    return seals.unseal(keys.messages, message.body_sealed, context=_context(message.tenant_id, message.id)).decode()


def _context(tenant_id: int, message_id: UUID) -> bytes:
    return f"{tenant_id}:message:{message_id}".encode()
