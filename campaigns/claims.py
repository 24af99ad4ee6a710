"""Claims that were made: each code once in each campaign, for ever. Reading only; campaigns.claiming makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Claim
from crm import pages
from crm.pages import Page

LISTED_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a claim earned. `is_new` is False for the first answer given again."""

    id: UUID
    campaign_id: UUID
    campaign_revision: int
    campaign_name: str
    campaign_name_zh: str
    consumer_id: UUID
    scan_id: UUID
    epoch: int
    counter: int
    gtin: str
    points: int
    transfer_id: UUID
    claimed_at: datetime
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    claims: int
    consumers: int
    points: int


def of_code(session: Session, *, tenant_id: int, epoch: int, counter: int) -> Sequence[Claimed]:
    """Claims of one code, in whatever campaign, earliest first."""
    query = _claims(tenant_id).where(Claim.epoch == epoch, Claim.counter == counter)
    return [_claimed(row) for row in session.execute(query.order_by(Claim.claimed_at, Claim.id))]


def of_consumer(session: Session, *, tenant_id: int, consumer_id: UUID, rows_max: int = LISTED_MAX) -> Sequence[Claimed]:
    """A consumer's claims, latest first."""
    query = _claims(tenant_id).where(Claim.consumer_id == consumer_id)
    rows = session.execute(query.order_by(Claim.claimed_at.desc(), Claim.id.desc()).limit(min(rows_max, LISTED_MAX)))
    return [_claimed(row) for row in rows]


def of_campaign(
    session: Session, *, tenant_id: int, campaign_id: UUID, cursor: str | None = None, rows_max: int = pages.PAGE_ROWS
) -> Page[Claimed]:
    """A campaign's claims, latest first. Claim ids are time-ordered."""
    rows_max = pages.size(rows_max)
    query = _claims(tenant_id).where(Claim.campaign_id == campaign_id)
    if cursor is not None:
        query = query.where(Claim.id < pages.read_cursor(cursor))
    rows = session.execute(query.order_by(Claim.id.desc()).limit(rows_max + 1))
    return pages.cut([_claimed(row) for row in rows], rows_max=rows_max, key=lambda claimed: claimed.id)


def totals(session: Session, *, tenant_id: int) -> dict[UUID, Totals]:
    """What each campaign has given; campaigns without a claim are not in it."""
    rows = session.execute(
        select(
            Claim.campaign_id,
            func.count().label("claims"),
            func.count(Claim.consumer_id.distinct()).label("consumers"),
            func.sum(Claim.points).label("points"),
        )
        .where(Claim.tenant_id == tenant_id)
        .group_by(Claim.campaign_id)
    )
    return {row.campaign_id: Totals(claims=row.claims, consumers=row.consumers, points=int(row.points)) for row in rows}


def _claims(tenant_id: int) -> Any:
    return (
        select(
            Claim.id,
            Claim.campaign_id,
            Claim.campaign_revision,
            Campaign.name,
            Campaign.name_zh,
            Claim.consumer_id,
            Claim.scan_id,
            Claim.epoch,
            Claim.counter,
            Claim.gtin,
            Claim.points,
            Claim.transfer_id,
            Claim.claimed_at,
        )
        .join(Campaign, (Campaign.tenant_id == Claim.tenant_id) & (Campaign.id == Claim.campaign_id))
        .where(Claim.tenant_id == tenant_id)
    )


def _claimed(row: Any) -> Claimed:
    return Claimed(
        id=row.id,
        campaign_id=row.campaign_id,
        campaign_revision=row.campaign_revision,
        campaign_name=row.name,
        campaign_name_zh=row.name_zh,
        consumer_id=row.consumer_id,
        scan_id=row.scan_id,
        epoch=row.epoch,
        counter=row.counter,
        gtin=row.gtin,
        points=row.points,
        transfer_id=row.transfer_id,
        claimed_at=row.claimed_at,
    )
