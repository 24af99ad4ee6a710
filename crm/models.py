"""Tables of consumers, what identifies them, their consents, and the points ledger. Private to this package."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class Consumer(Base):
    """A person who identified themself. `source` holds the first touch (scan, product, lot, campaign) and is never changed."""

    __tablename__ = "consumer"
    __table_args__ = (Index("ix_consumer_joined", "tenant_id", "joined_at"),)

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    nickname: Mapped[str] = mapped_column(Text, server_default="")
    language: Mapped[str] = mapped_column(Text, server_default="")
    source: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    joined_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class Identity(Base):
    """Something that names a consumer: a phone number (sealed) or a visitor. Found by a keyed hash; one consumer for each value."""

    __tablename__ = "identity"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "consumer_id"], ["consumer.tenant_id", "consumer.id"]),
        CheckConstraint("kind IN ('phone', 'visitor')", name="kind"),
        Index("ix_identity_consumer", "tenant_id", "consumer_id"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    value_hash: Mapped[bytes] = mapped_column(primary_key=True)
    value_sealed: Mapped[bytes | None]
    consumer_id: Mapped[UUID]
    linked_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class Consent(Base):
    """One answer of a consumer to one purpose, with the version and hash of the text they saw. Rows are only added; the last one counts."""

    __tablename__ = "consent"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "consumer_id"], ["consumer.tenant_id", "consumer.id"]),
        CheckConstraint("purpose IN ('service', 'marketing', 'location')", name="purpose"),
        Index("ix_consent_consumer", "tenant_id", "consumer_id", "given_at"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    consumer_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(Text)
    granted: Mapped[bool]
    text_version: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[bytes]
    language: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    scan_id: Mapped[UUID | None]
    given_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class OneTimeCode(Base):
    """A code sent to a phone, kept as a keyed hash, with its tries counted and the visitor who asked for it."""

    __tablename__ = "one_time_code"
    __table_args__ = (
        Index("ix_one_time_code_phone", "tenant_id", "phone_hash", "sent_at"),
        Index("ix_one_time_code_visitor", "tenant_id", "visitor", "sent_at"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_hash: Mapped[bytes]
    visitor: Mapped[bytes]
    code_hash: Mapped[bytes]
    sent_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    tries: Mapped[int] = mapped_column(server_default="0")
    used_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class TextMessage(Base):
    """A short message on its way through an SMS provider. Number and text lie sealed."""

    __tablename__ = "text_message"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sent', 'failed')", name="state"),
        Index("ix_text_message_time", "tenant_id", "created_at"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_sealed: Mapped[bytes]
    body_sealed: Mapped[bytes]
    purpose: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Text, server_default="")
    provider_reference: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class VisitorActivity(Base):
    """What one visitor did, projected from the scan log: first and last scan and how many."""

    __tablename__ = "visitor_activity"

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    visitor: Mapped[bytes] = mapped_column(primary_key=True)
    first_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    last_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    scans: Mapped[int] = mapped_column(BigInteger)
    confirmed: Mapped[int] = mapped_column(BigInteger)


class PointAccount(Base):
    """An account of the double-entry ledger: a consumer's, or one of the house's (issued, expired, spent)."""

    __tablename__ = "point_account"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "consumer_id"], ["consumer.tenant_id", "consumer.id"]),
        UniqueConstraint("tenant_id", "consumer_id"),
        UniqueConstraint("tenant_id", "house"),
        CheckConstraint("(house IS NULL) <> (consumer_id IS NULL)", name="owner"),
        CheckConstraint("house IN ('issued', 'spent', 'expired')", name="house"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    house: Mapped[str | None] = mapped_column(Text)
    consumer_id: Mapped[UUID | None]
    opened_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class PointTransfer(Base):
    """One movement of points, unique for ever by its natural key. Rows are only added (the application role may not change them)."""

    __tablename__ = "point_transfer"
    __table_args__ = (
        UniqueConstraint("tenant_id", "natural_key"),
        CheckConstraint("kind IN ('earn', 'spend', 'expire', 'refund', 'reverse', 'adjust')", name="kind"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    natural_key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    effective_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    recorded_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    actor: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class PointEntry(Base):
    """One side of a transfer. The entries of a transfer add up to zero (checked by the database when it commits)."""

    __tablename__ = "point_entry"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "transfer_id"], ["point_transfer.tenant_id", "point_transfer.id"]),
        ForeignKeyConstraint(["tenant_id", "account_id"], ["point_account.tenant_id", "point_account.id"]),
        CheckConstraint("points <> 0", name="points"),
        Index("ix_point_entry_account", "tenant_id", "account_id", "transfer_id"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)


class PointLot(Base):
    """Points of one earn with one expiry. `points_remaining` is what allocations and expiry left of `points_original`."""

    __tablename__ = "point_lot"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "account_id"], ["point_account.tenant_id", "point_account.id"]),
        ForeignKeyConstraint(["tenant_id", "transfer_id"], ["point_transfer.tenant_id", "point_transfer.id"]),
        CheckConstraint("points_original > 0", name="points_original"),
        CheckConstraint("points_remaining BETWEEN 0 AND points_original", name="points_remaining"),
        CheckConstraint("expires_at IS NULL OR expires_at > activates_at", name="expiry"),
        Index("ix_point_lot_account", "tenant_id", "account_id", "expires_at"),
        Index("ix_point_lot_expiry", "tenant_id", "expires_at", postgresql_where="points_remaining > 0"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    transfer_id: Mapped[UUID]
    points_original: Mapped[int] = mapped_column(BigInteger)
    points_remaining: Mapped[int] = mapped_column(BigInteger)
    activates_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class LotAllocation(Base):
    """How many points of a lot one spend or expiry took: refunds go back to where these say."""

    __tablename__ = "lot_allocation"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "transfer_id"], ["point_transfer.tenant_id", "point_transfer.id"]),
        ForeignKeyConstraint(["tenant_id", "lot_id"], ["point_lot.tenant_id", "point_lot.id"]),
        CheckConstraint("points > 0", name="points"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)
