"""What identifies a consumer: phone numbers and visitors.

Promises: a phone number is kept sealed and is found by a keyed hash that differs from brand to brand; a number is read by the
rules of its country (library `phonenumbers`), so that one phone has one spelling (E.164); one value names one consumer.
Refuses numbers that cannot receive a text message, and to move a visitor from one consumer to another: two people may share a
phone, and neither shall inherit what the other scanned.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NewType, Self
from uuid import UUID

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.models import Identity
from kit import seals
from kit.refusals import Invalid

REGION_DEFAULT = "CN"
PHONE_TEXT_MAX = 40
PHONE_HASH_BYTES = 32
VISITOR_BYTES = 8
VISITORS_SHOWN_MAX = 100
VISITORS_AT_ONCE = 5_000

E164 = NewType("E164", str)

_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_COUNTRY_CODE: "country",
}
# Of a long number the first three and last four digits stay readable, of a short one less.
_LONG_DIGITS_MIN = 10


class PhoneInvalid(Invalid):
    """`reason` is one of empty, no_number, country, too_short, too_long, unassigned, extension, no_mobile. The number itself is not repeated."""

    code: ClassVar[str] = "phone_invalid"
    says: ClassVar[str] = "This is no mobile phone number that we can send a text message to ({reason})."


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalKeys:
    """The keys of personal data, each for one use, all derived from the instance secret."""

    hashing: bytes = field(repr=False)
    sealing: bytes = field(repr=False)
    codes: bytes = field(repr=False)
    messages: bytes = field(repr=False)

    @classmethod
    def derive(cls, secret: bytes) -> Self:
        return cls(
            hashing=seals.derive(secret, "onemark/identity"),
            sealing=seals.derive(secret, "onemark/identity/seal"),
            codes=seals.derive(secret, "onemark/identity/one-time-code"),
            messages=seals.derive(secret, "onemark/identity/message"),
        )


def read_phone(text: str, *, region: str = REGION_DEFAULT) -> E164:
    """A mobile number as people type it, with or without country code, to E.164."""
    if not text.strip():
        raise PhoneInvalid(reason="empty")
    try:
        number = phonenumbers.parse(text[:PHONE_TEXT_MAX], region)
    except NumberParseException as error:
        reason = "country" if error.error_type == NumberParseException.INVALID_COUNTRY_CODE else "no_number"
        raise PhoneInvalid(reason=reason) from error
    reason = _objection(number)
    if reason:
        raise PhoneInvalid(reason=reason)
    return E164(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _objection(number: PhoneNumber) -> str:
    if phonenumbers.is_valid_number(number):
        if number.extension:
            return "extension"
        return "" if phonenumbers.number_type(number) in _MOBILE else "no_mobile"
    possible = phonenumbers.is_possible_number_for_type_with_reason(number, PhoneNumberType.MOBILE)
    return _LENGTH_REASONS.get(possible, "unassigned")


def masked(phone: E164) -> str:
    """`+86 138****5678`: enough for the owner to recognise, too little for anybody to call."""
    number = phonenumbers.parse(phone, None)
    digits = phonenumbers.national_significant_number(number)
    head, tail = (3, 4) if len(digits) >= _LONG_DIGITS_MIN else (1, 2)
    return f"+{number.country_code} {digits[:head]}{'*' * (len(digits) - head - tail)}{digits[-tail:]}"


def hash_phone(phone: E164, *, keys: PersonalKeys, tenant_id: int) -> bytes:
    return seals.keyed_hash(keys.hashing, f"{tenant_id}:phone:{phone}".encode(), size_bytes=PHONE_HASH_BYTES)


def seal_phone(phone: E164, *, keys: PersonalKeys, tenant_id: int) -> bytes:
    return seals.seal(keys.sealing, phone.encode(), context=_phone_context(tenant_id))


def unseal_phone(sealed: bytes, *, keys: PersonalKeys, tenant_id: int) -> E164:
    return E164(seals.unseal(keys.sealing, sealed, context=_phone_context(tenant_id)).decode())


def _phone_context(tenant_id: int) -> bytes:
    return f"{tenant_id}:phone".encode()


def find_by_phone_hash(session: Session, *, tenant_id: int, phone_hash: bytes) -> UUID | None:
    return _find(session, tenant_id=tenant_id, kind="phone", value_hash=phone_hash)


def find_by_visitor(session: Session, *, tenant_id: int, visitor: bytes) -> UUID | None:
    """The consumer who identified themself with this visitor first."""
    return _find(session, tenant_id=tenant_id, kind="visitor", value_hash=visitor)


def _find(session: Session, *, tenant_id: int, kind: str, value_hash: bytes) -> UUID | None:
    return session.scalar(
        select(Identity.consumer_id).where(
            Identity.tenant_id == tenant_id, Identity.kind == kind, Identity.value_hash == value_hash
        )
    )


def link_phone(session: Session, *, tenant_id: int, consumer_id: UUID, phone: E164, keys: PersonalKeys, now: datetime) -> bool:
    """False when the number names a consumer already."""
    return _link(
        session,
        tenant_id=tenant_id,
        kind="phone",
        value_hash=hash_phone(phone, keys=keys, tenant_id=tenant_id),
        value_sealed=seal_phone(phone, keys=keys, tenant_id=tenant_id),
        consumer_id=consumer_id,
        now=now,
    )


def members_among(session: Session, *, tenant_id: int, visitors: Collection[bytes]) -> int:
    """How many consumers stand behind these visitors."""
    found: set[UUID] = set()
    listed = sorted(visitors)
    for at in range(0, len(listed), VISITORS_AT_ONCE):
        some = listed[at : at + VISITORS_AT_ONCE]
        found.update(
            session.scalars(
                select(Identity.consumer_id).where(
                    Identity.tenant_id == tenant_id, Identity.kind == "visitor", Identity.value_hash.in_(some)
                )
            )
        )
    return len(found)


def link_visitor(session: Session, *, tenant_id: int, consumer_id: UUID, visitor: bytes, now: datetime) -> bool:
    """True when the visitor now names this consumer, False when it already named another one and still does."""
    if len(visitor) != VISITOR_BYTES:
        raise ValueError(f"a visitor is {VISITOR_BYTES} bytes, not {len(visitor)}")
    linked = _link(
        session, tenant_id=tenant_id, kind="visitor", value_hash=visitor, value_sealed=None, consumer_id=consumer_id, now=now
    )
    return linked or find_by_visitor(session, tenant_id=tenant_id, visitor=visitor) == consumer_id


def _link(
    session: Session,
    *,
    tenant_id: int,
    kind: str,
    value_hash: bytes,
    value_sealed: bytes | None,
    consumer_id: UUID,
    now: datetime,
) -> bool:
    added = session.scalar(
        insert(Identity)
        .values(
            tenant_id=tenant_id,
            kind=kind,
            value_hash=value_hash,
            value_sealed=value_sealed,
            consumer_id=consumer_id,
            linked_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Identity.tenant_id, Identity.kind, Identity.value_hash])
        .returning(Identity.consumer_id)
    )
    return added is not None


def visitors_of(session: Session, *, tenant_id: int, consumer_id: UUID) -> tuple[bytes, ...]:
    """The visitors that name this consumer, latest first."""
    return tuple(
        session.scalars(
            select(Identity.value_hash)
            .where(Identity.tenant_id == tenant_id, Identity.kind == "visitor", Identity.consumer_id == consumer_id)
            .order_by(Identity.linked_at.desc(), Identity.value_hash)
            .limit(VISITORS_SHOWN_MAX)
        )
    )
