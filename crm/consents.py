"""Consents: what a consumer allowed, for which purpose, under which words.

Promises: every answer keeps the version and the hash of the text that was shown, its language, channel and time; rows are only
added and the last one counts, so history stays provable. The texts stand here, by version: a published version never changes.
Refuses a text that was never published. Only `service` is needed to join; the other purposes are asked for each on its own.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from crm.models import Consent
from kit import ids
from kit.refusals import Invalid


class Purpose(StrEnum):
    SERVICE = "service"
    MARKETING = "marketing"
    LOCATION = "location"


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


NEEDED = Purpose.SERVICE
OPTIONAL = (Purpose.MARKETING, Purpose.LOCATION)
VERSION = "2026-11"
HISTORY_ROWS_MAX = 500
# Two answers in one instant must still have an order.
_TICK = timedelta(microseconds=1)

TEXTS: Mapping[str, Mapping[Purpose, Mapping[Language, str]]] = {
    "2026-11": {
        Purpose.SERVICE: {
            Language.ZH: (
                "为了开通会员，我们会保存您的手机号（加密存放）、您扫过的本品牌商品、您的积分和领取记录，仅用于登录、发放积分和处理您的问题。"
                "我们不会出售这些信息。您可以随时停止使用并撤回同意，撤回之前的处理不受影响。不同意也可以查询商品真伪。"
            ),
            Language.EN: (
                "To run your membership we keep your phone number (encrypted), the products of this brand that you scanned, your points and "
                "your claims. We use them to sign you in, to credit points and to answer your questions, and we do not sell them. You can "
                "withdraw at any time; what was done before stays lawful. You can check a product without agreeing."
            ),
        },
        Purpose.MARKETING: {
            Language.ZH: "本品牌可以通过短信告诉我活动和优惠。不同意不影响积分和其他服务，我可以随时退订。",
            Language.EN: (
                "This brand may tell me about campaigns and offers by text message. Saying no costs me neither points nor service, and I can "
                "stop it at any time."
            ),
        },
        Purpose.LOCATION: {
            Language.ZH: (
                "扫码时，如果手机也允许，本品牌可以保存我的精确位置，用来查找假货和窜货。不同意时只按网络地址估计大致地区，"
                "不影响积分和其他服务，我可以随时撤回。"
            ),
            Language.EN: (
                "When I scan, and if my phone allows it too, this brand may keep my precise location to find counterfeit and diverted goods. "
                "If I say no, only my rough region is estimated from the network address. Saying no costs me neither points nor service, and "
                "I can withdraw at any time."
            ),
        },
    },
}


class ConsentTextUnknown(Invalid):
    code: ClassVar[str] = "consent_text_unknown"
    says: ClassVar[str] = "There is no consent text of version {version}. Load the page again to read the current one."


class ConsentNeeded(Invalid):
    code: ClassVar[str] = "consent_needed"
    says: ClassVar[str] = "Membership needs consent to the purpose {purpose}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentForm:
    """What somebody ticked, under texts of which version, and where they saw them (`channel`: web, import, staff)."""

    granted: frozenset[Purpose]
    version: str
    language: Language
    channel: str
    scan_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to one purpose, as it was recorded."""

    purpose: Purpose
    granted: bool
    version: str
    text_sha256: bytes
    language: Language
    channel: str
    scan_id: UUID | None
    given_at: datetime


def text(purpose: Purpose, *, language: Language, version: str = VERSION) -> str:
    try:
        return TEXTS[version][purpose][language]
    except KeyError as error:
        raise ConsentTextUnknown(version=version) from error


def check_form(form: ConsentForm) -> None:
    """Whoever wants to join needs the service consent under a text that we know."""
    if form.version not in TEXTS:
        raise ConsentTextUnknown(version=form.version)
    if NEEDED not in form.granted:
        raise ConsentNeeded(purpose=NEEDED.value)


def grant(session: Session, *, tenant_id: int, consumer_id: UUID, form: ConsentForm, now: datetime) -> tuple[Purpose, ...]:
    """Records what was ticked and returns what is new. A box left empty says nothing: what was granted before stays granted."""
    standing = current(session, tenant_id=tenant_id, consumer_id=consumer_id)
    changed = tuple(
        purpose
        for purpose in sorted(form.granted)
        if (known := standing.get(purpose)) is None or not known.granted or known.version != form.version
    )
    for purpose in changed:
        _add(
            session, tenant_id=tenant_id, consumer_id=consumer_id, purpose=purpose, form=form, last=standing.get(purpose), now=now
        )
    return changed


def withdraw(
    session: Session, *, tenant_id: int, consumer_id: UUID, purpose: Purpose, language: Language, channel: str, now: datetime
) -> bool:
    """Ends a consent from now on; False when there is none to end."""
    last = current(session, tenant_id=tenant_id, consumer_id=consumer_id).get(purpose)
    if last is None or not last.granted:
        return False
    form = ConsentForm(granted=frozenset(), version=last.version, language=language, channel=channel)
    _add(session, tenant_id=tenant_id, consumer_id=consumer_id, purpose=purpose, form=form, last=last, now=now)
    return True


def current(session: Session, *, tenant_id: int, consumer_id: UUID) -> dict[Purpose, Answer]:
    """The last answer to each purpose that was ever answered."""
    rows = session.scalars(
        select(Consent)
        .where(Consent.tenant_id == tenant_id, Consent.consumer_id == consumer_id)
        .ext(distinct_on(Consent.purpose))
        .order_by(Consent.purpose, Consent.given_at.desc(), Consent.id.desc())
    )
    return {Purpose(row.purpose): _answer(row) for row in rows}


def is_granted(session: Session, *, tenant_id: int, consumer_id: UUID, purpose: Purpose) -> bool:
    answer = current(session, tenant_id=tenant_id, consumer_id=consumer_id).get(purpose)
    return answer is not None and answer.granted


def history(session: Session, *, tenant_id: int, consumer_id: UUID) -> tuple[Answer, ...]:
    """Every answer, latest first."""
    rows = session.scalars(
        select(Consent)
        .where(Consent.tenant_id == tenant_id, Consent.consumer_id == consumer_id)
        .order_by(Consent.given_at.desc(), Consent.id.desc())
        .limit(HISTORY_ROWS_MAX)
    )
    return tuple(_answer(row) for row in rows)


def _add(
    session: Session,
    *,
    tenant_id: int,
    consumer_id: UUID,
    purpose: Purpose,
    form: ConsentForm,
    last: Answer | None,
    now: datetime,
) -> None:
    shown = text(purpose, language=form.language, version=form.version)
    given_at = now if last is None else max(now, last.given_at + _TICK)
    session.execute(
        insert(Consent).values(
            tenant_id=tenant_id,
            id=ids.uuid7(now),
            consumer_id=consumer_id,
            purpose=purpose.value,
            granted=purpose in form.granted,
            text_version=form.version,
            text_sha256=hashlib.sha256(shown.encode()).digest(),
            language=form.language.value,
            channel=form.channel,
            scan_id=form.scan_id,
            given_at=given_at,
        )
    )


def _answer(row: Consent) -> Answer:
    return Answer(
        purpose=Purpose(row.purpose),
        granted=row.granted,
        version=row.text_version,
        text_sha256=row.text_sha256,
        language=Language(row.language),
        channel=row.channel,
        scan_id=row.scan_id,
        given_at=row.given_at,
    )


def granted_counts(session: Session, *, tenant_id: int) -> dict[Purpose, int]:
    """How many consumers grant each purpose now."""
    last = (
        select(Consent.purpose, Consent.granted)
        .where(Consent.tenant_id == tenant_id)
        .ext(distinct_on(Consent.consumer_id, Consent.purpose))
        .order_by(Consent.consumer_id, Consent.purpose, Consent.given_at.desc(), Consent.id.desc())
        .subquery()
    )
    rows = session.execute(select(last.c.purpose, func.count()).where(last.c.granted).group_by(last.c.purpose))
    return dict.fromkeys(Purpose, 0) | {Purpose(row[0]): row[1] for row in rows}
