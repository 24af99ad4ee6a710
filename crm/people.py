"""Consumers: one for each phone number of a brand, with the first touch that brought them.

Promises: however many join with one number at once, one consumer comes of it. The first touch is written once and never changed.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm import identities
from crm.identities import E164, PersonalKeys
from crm.models import Consumer
from kit import ids


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTouch:
    """What led somebody here. `channel` is `scan`, `import` or another short word; the rest is known for a scan."""

    channel: str
    scan_id: UUID | None = None
    gtin: str = ""
    lot: str = ""

    def facts(self) -> dict[str, str]:
        """Only what is known, as it is stored."""
        known = {"channel": self.channel, "gtin": self.gtin, "lot": self.lot}
        if self.scan_id is not None:
            known["scan_id"] = str(self.scan_id)
        return {key: value for key, value in known.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    consumer_id: UUID
    is_new: bool


def find_or_create(
    session: Session,
    *,
    tenant_id: int,
    keys: PersonalKeys,
    phone: E164,
    source: FirstTouch,
    language: str,
    now: datetime,
) -> Found:
    phone_hash = identities.hash_phone(phone, keys=keys, tenant_id=tenant_id)
    known = identities.find_by_phone_hash(session, tenant_id=tenant_id, phone_hash=phone_hash)
    if known is not None:
        return Found(consumer_id=known, is_new=False)
    consumer_id = ids.uuid7(now)
    attempt = session.begin_nested()
    session.execute(
        insert(Consumer).values(tenant_id=tenant_id, id=consumer_id, language=language, source=source.facts(), joined_at=now)
    )
    if identities.link_phone(session, tenant_id=tenant_id, consumer_id=consumer_id, phone=phone, keys=keys, now=now):
        attempt.commit()
        return Found(consumer_id=consumer_id, is_new=True)
    # Somebody else joined with this number meanwhile: theirs is the consumer, and ours was never there.
    attempt.rollback()
    winner = identities.find_by_phone_hash(session, tenant_id=tenant_id, phone_hash=phone_hash)
    if winner is None:
        raise RuntimeError("a phone number was taken and yet names nobody")
    return Found(consumer_id=winner, is_new=False)


def joined_by_day(session: Session, *, tenant_id: int, first_on: date, last_on: date, zone: ZoneInfo) -> dict[date, int]:
    """New consumers on each day of the brand's calendar, both ends included; a day without any is 0."""
    starts_at = datetime.combine(first_on, time.min, tzinfo=zone)
    ends_at = datetime.combine(last_on + timedelta(days=1), time.min, tzinfo=zone)
    day = cast(func.timezone(zone.key, Consumer.joined_at), Date)
    rows = session.execute(
        select(day, func.count())
        .where(Consumer.tenant_id == tenant_id, Consumer.joined_at >= starts_at, Consumer.joined_at < ends_at)
        .group_by(day)
    ).all()
    days = {first_on + timedelta(days=number): 0 for number in range((last_on - first_on).days + 1)}
    return days | {row[0]: row[1] for row in rows}
