"""Joining and signing in: a one-time code to a phone, then the consumer, their visitor and their consents.

Promises: the answer to a request is the same whether or not the number belongs to a member; codes lie as keyed hashes, live five
minutes, work once and die after five wrong tries; requests are counted in the database under a lock, so that limits hold however
many come at once. Of a number and the visitor who asked for it only the latest code counts, so that a stranger who types wrong codes
for somebody else's number uses up no tries of theirs; nor do the codes that strangers ask for keep a member's own browser from one.
`join` returns a refused code as a value, because the try that it cost must be committed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm import consents, identities, messages, people
from crm.consents import ConsentForm, Language
from crm.identities import E164, PersonalKeys
from crm.messages import WORTH_SENDING, MessagePurpose
from crm.models import OneTimeCode
from crm.people import FirstTouch
from kit import chance, ids, seals
from kit.refusals import Invalid, Refusal, TooMany

CODE_DIGITS: Final = 6
CODE_LIVES: Final = timedelta(minutes=5)
TRIES_MAX: Final = 5
RESEND_AFTER: Final = timedelta(seconds=60)
LIMIT_WINDOW: Final = timedelta(hours=1)
CODES_PER_PHONE_MAX: Final = 5
CODES_PER_VISITOR_MAX: Final = 10
_CODE_HASH_BYTES = 32
_LOCK_BYTES = 8

assert WORTH_SENDING[MessagePurpose.ONE_TIME_CODE] <= CODE_LIVES  # noqa: S101 - how two limits relate

_BODIES = {
    Language.ZH: "【{brand}】验证码 {code}，{minutes} 分钟内有效。请勿告诉他人；如非本人操作，请忽略。",
    Language.EN: "{brand}: your code is {code}, valid for {minutes} minutes. Share it with nobody; ignore this if you did not ask for it.",
}


class CodeTooSoon(TooMany):
    code: ClassVar[str] = "code_too_soon"
    says: ClassVar[str] = "A code was sent just now. Ask for another one in {retry_after_s} seconds."


class CodesOfPhone(TooMany):
    code: ClassVar[str] = "code_limit_phone"
    says: ClassVar[str] = "Too many codes were sent to this number. Try again in {retry_after_s} seconds."


class CodesOfVisitor(TooMany):
    code: ClassVar[str] = "code_limit_visitor"
    says: ClassVar[str] = "Too many codes were asked for from here. Try again in {retry_after_s} seconds."


class CodeWrong(Invalid):
    code: ClassVar[str] = "code_wrong"
    says: ClassVar[str] = "This is not the code that we sent. Tries left: {tries_left}."


class CodeOver(Invalid):
    code: ClassVar[str] = "code_over"
    says: ClassVar[str] = "This code has expired, was used, or was tried too often. Ask for a new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSent:
    """`phone` is masked: the page may show it."""

    phone: str
    expires_at: datetime
    resend_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """`visitor_linked` is False where the device already names another member, which it goes on to do."""

    consumer_id: UUID
    is_new: bool
    visitor_linked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJoined:
    """The code was refused. Commit, then show `refusal` (CodeWrong or CodeOver)."""

    refusal: Refusal


def request_code(
    session: Session,
    *,
    tenant_id: int,
    keys: PersonalKeys,
    brand_name: str,
    phone: E164,
    visitor: bytes,
    language: Language,
    now: datetime,
    draw: Callable[[int], str] = chance.digits,
) -> CodeSent:
    """Sends a code, unless one was sent just now or this phone or visitor asked too often."""
    phone_hash = identities.hash_phone(phone, keys=keys, tenant_id=tenant_id)
    for lock in sorted((_lock_id(tenant_id, phone_hash, keys=keys), _lock_id(tenant_id, visitor, keys=keys))):
        session.execute(select(func.pg_advisory_xact_lock(lock)))
    _check_limits(session, tenant_id=tenant_id, phone_hash=phone_hash, visitor=visitor, now=now)
    code_id, code = ids.uuid7(now), draw(CODE_DIGITS)
    session.execute(
        insert(OneTimeCode).values(
            tenant_id=tenant_id,
            id=code_id,
            phone_hash=phone_hash,
            visitor=visitor,
            code_hash=_hash_code(code, code_id=code_id, keys=keys),
            sent_at=now,
            expires_at=now + CODE_LIVES,
        )
    )
    body = _BODIES[language].format(brand=brand_name, code=code, minutes=int(CODE_LIVES / timedelta(minutes=1)))
    messages.put(session, tenant_id=tenant_id, keys=keys, phone=phone, body=body, purpose=MessagePurpose.ONE_TIME_CODE, now=now)
    return CodeSent(phone=identities.masked(phone), expires_at=now + CODE_LIVES, resend_at=now + RESEND_AFTER)


def join(
    session: Session,
    *,
    tenant_id: int,
    keys: PersonalKeys,
    phone: E164,
    code: str,
    visitor: bytes,
    form: ConsentForm,
    source: FirstTouch,
    now: datetime,
) -> Joined | NotJoined:
    """Makes whoever holds the code a member, or finds the member they are."""
    consents.check_form(form)
    refusal = _try_code(session, tenant_id=tenant_id, keys=keys, phone=phone, visitor=visitor, code=code, now=now)
    if refusal is not None:
        return NotJoined(refusal=refusal)
    found = people.find_or_create(
        session, tenant_id=tenant_id, keys=keys, phone=phone, source=source, language=form.language.value, now=now
    )
    linked = identities.link_visitor(session, tenant_id=tenant_id, consumer_id=found.consumer_id, visitor=visitor, now=now)
    consents.grant(session, tenant_id=tenant_id, consumer_id=found.consumer_id, form=form, now=now)
    return Joined(consumer_id=found.consumer_id, is_new=found.is_new, visitor_linked=linked)


def forget_old(session: Session, *, tenant_id: int, now: datetime) -> None:
    """Deletes codes that are over and no longer count for a limit, and messages that have served their time."""
    session.execute(
        delete(OneTimeCode).where(OneTimeCode.tenant_id == tenant_id, OneTimeCode.sent_at < now - LIMIT_WINDOW - CODE_LIVES)
    )
    messages.forget_old(session, tenant_id=tenant_id, now=now)


def _check_limits(session: Session, *, tenant_id: int, phone_hash: bytes, visitor: bytes, now: datetime) -> None:
    own = _is_members_own(session, tenant_id=tenant_id, phone_hash=phone_hash, visitor=visitor)
    sent = _sent_since(session, OneTimeCode.phone_hash == phone_hash, tenant_id=tenant_id, now=now)
    of_phone = [at for at, by in sent if not own or by == visitor]
    if of_phone and now - of_phone[-1] < RESEND_AFTER:
        raise CodeTooSoon(retry_after_s=_seconds_until(of_phone[-1] + RESEND_AFTER, now=now))
    if len(of_phone) >= CODES_PER_PHONE_MAX:
        raise CodesOfPhone(retry_after_s=_seconds_until(of_phone[-CODES_PER_PHONE_MAX] + LIMIT_WINDOW, now=now))
    of_visitor = [at for at, _ in _sent_since(session, OneTimeCode.visitor == visitor, tenant_id=tenant_id, now=now)]
    if len(of_visitor) >= CODES_PER_VISITOR_MAX:
        raise CodesOfVisitor(retry_after_s=_seconds_until(of_visitor[-CODES_PER_VISITOR_MAX] + LIMIT_WINDOW, now=now))


def _is_members_own(session: Session, *, tenant_id: int, phone_hash: bytes, visitor: bytes) -> bool:
    """Is this the browser of the member who has this number?"""
    consumer_id = identities.find_by_phone_hash(session, tenant_id=tenant_id, phone_hash=phone_hash)
    return consumer_id is not None and identities.find_by_visitor(session, tenant_id=tenant_id, visitor=visitor) == consumer_id


def _sent_since(session: Session, asked: ColumnElement[bool], *, tenant_id: int, now: datetime) -> list[tuple[datetime, bytes]]:
    """When codes were sent, and for which visitor, the earliest first."""
    rows = session.execute(
        select(OneTimeCode.sent_at, OneTimeCode.visitor)
        .where(OneTimeCode.tenant_id == tenant_id, asked, OneTimeCode.sent_at > now - LIMIT_WINDOW)
        .order_by(OneTimeCode.sent_at)
    )
    return [(at, by) for at, by in rows]


def _seconds_until(then: datetime, *, now: datetime) -> int:
    return max(1, -int((now - then) // timedelta(seconds=1)))


def _lock_id(tenant_id: int, value: bytes, *, keys: PersonalKeys) -> int:
    """A number for PostgreSQL's advisory locks. Two values that share one merely wait for each other."""
    digest = seals.keyed_hash(keys.codes, f"{tenant_id}:lock:".encode() + value, size_bytes=_LOCK_BYTES)
    return int.from_bytes(digest, "big", signed=True)


def _hash_code(code: str, *, code_id: UUID, keys: PersonalKeys) -> bytes:
    return seals.keyed_hash(keys.codes, code_id.bytes + code.encode(), size_bytes=_CODE_HASH_BYTES)


def _try_code(
    session: Session, *, tenant_id: int, keys: PersonalKeys, phone: E164, visitor: bytes, code: str, now: datetime
) -> Refusal | None:
    """Counts the try before it looks at the code: the row stays locked until the end, so parallel guesses queue up and are counted."""
    phone_hash = identities.hash_phone(phone, keys=keys, tenant_id=tenant_id)
    latest = (
        select(OneTimeCode.id)
        .where(OneTimeCode.tenant_id == tenant_id, OneTimeCode.phone_hash == phone_hash, OneTimeCode.visitor == visitor)
        .order_by(OneTimeCode.sent_at.desc(), OneTimeCode.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    tried = session.execute(
        update(OneTimeCode)
        .where(
            OneTimeCode.tenant_id == tenant_id,
            OneTimeCode.id == latest,
            OneTimeCode.used_at.is_(None),
            OneTimeCode.expires_at > now,
            OneTimeCode.tries < TRIES_MAX,
        )
        .values(tries=OneTimeCode.tries + 1)
        .returning(OneTimeCode.id, OneTimeCode.code_hash, OneTimeCode.tries)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if tried is None:
        return CodeOver()
    if not seals.same(_hash_code(code.strip(), code_id=tried.id, keys=keys), tried.code_hash):
        left = TRIES_MAX - tried.tries
        return CodeWrong(tries_left=left) if left else CodeOver()
    used = session.scalar(
        update(OneTimeCode)
        .where(OneTimeCode.tenant_id == tenant_id, OneTimeCode.id == tried.id, OneTimeCode.used_at.is_(None))
        .values(used_at=now)
        .returning(OneTimeCode.id)
        .execution_options(synchronize_session=False)
    )
    return None if used is not None else CodeOver()
