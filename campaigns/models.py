"""Tables of campaigns, their limits and claims. Private to this package."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class Campaign(Base):
    """Points for the first confirmed scan of a code. `revision` counts edits; a claim notes the one it was decided under."""

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("mechanic IN ('first_scan_points')", name="mechanic"),
        CheckConstraint("state IN ('draft', 'running', 'paused', 'ended')", name="state"),
        CheckConstraint("starts_at < ends_at", name="period"),
        CheckConstraint("points > 0", name="points"),
        CheckConstraint("claims_per_consumer_max > 0", name="claims_per_consumer_max"),
        CheckConstraint("claims_per_day_max > 0", name="claims_per_day_max"),
        CheckConstraint("points_budget > 0 AND points_granted BETWEEN 0 AND points_budget", name="points_budget"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text, server_default="")
    mechanic: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(server_default="1")
    starts_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    points: Mapped[int] = mapped_column(BigInteger)
    points_valid_days: Mapped[int | None]
    claims_per_consumer_max: Mapped[int | None]
    claims_per_day_max: Mapped[int | None]
    points_budget: Mapped[int | None] = mapped_column(BigInteger)
    points_granted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class CampaignProduct(Base):
    """A product in the campaign's scope. No rows: every product of the brand."""

    __tablename__ = "campaign_product"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "campaign_id"], ["campaign.tenant_id", "campaign.id"]),)

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    gtin: Mapped[str] = mapped_column(Text, primary_key=True)


class ClaimCount(Base):
    """Claims of a consumer in a campaign on one day of the brand's calendar; day 0001-01-01 counts all days. Moved by conditional updates."""

    __tablename__ = "claim_count"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "campaign_id"], ["campaign.tenant_id", "campaign.id"]),)

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    consumer_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    claims: Mapped[int]


class Claim(Base):
    """The use of a ticket: at most one for each code and campaign, for ever."""

    __tablename__ = "claim"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "campaign_id"], ["campaign.tenant_id", "campaign.id"]),
        UniqueConstraint("tenant_id", "campaign_id", "epoch", "counter"),
        Index("ix_claim_code", "tenant_id", "epoch", "counter"),
        Index("ix_claim_consumer", "tenant_id", "consumer_id", "claimed_at"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID]
    campaign_revision: Mapped[int]
    epoch: Mapped[int] = mapped_column(SmallInteger)
    counter: Mapped[int] = mapped_column(BigInteger)
    consumer_id: Mapped[UUID]
    scan_id: Mapped[UUID]
    gtin: Mapped[str] = mapped_column(Text)
    points: Mapped[int] = mapped_column(BigInteger)
    transfer_id: Mapped[UUID]
    claimed_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
