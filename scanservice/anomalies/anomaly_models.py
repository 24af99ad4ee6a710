"""Tables of anomalies: what was found, which codes it concerns, and what people did about it. Private to this folder."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class Anomaly(Base):
    """One thing that is wrong, by kind and subject. Without `detected_at` it is still being counted and nobody is shown it."""

    __tablename__ = "anomaly"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "subject"),
        CheckConstraint("kind IN ('clone', 'diversion', 'forgery', 'harvest', 'leak', 'dark_case')", name="kind"),
        CheckConstraint("severity IN ('normal', 'high')", name="severity"),
        CheckConstraint("state IN ('new', 'seen', 'closed')", name="state"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        Index("ix_anomaly_detected", "tenant_id", "detected_at", "id", postgresql_where="detected_at IS NOT NULL"),
        Index("ix_anomaly_new", "tenant_id", postgresql_where="state = 'new' AND detected_at IS NOT NULL"),
        Index("ix_anomaly_unripe", "tenant_id", "last_seen_at", postgresql_where="detected_at IS NULL"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    score: Mapped[float] = mapped_column(Double)
    order_id: Mapped[UUID | None]
    package_id: Mapped[UUID | None]
    distributor_id: Mapped[str] = mapped_column(Text, server_default="")
    gtin: Mapped[str] = mapped_column(Text, server_default="")
    lot: Mapped[str] = mapped_column(Text, server_default="")
    division: Mapped[str] = mapped_column(Text, server_default="")
    scans: Mapped[int] = mapped_column(BigInteger)
    codes: Mapped[int]
    first_seen_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    last_seen_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    detected_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    closed_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    closed_by: Mapped[str] = mapped_column(Text, server_default="")
    close_reason: Mapped[str] = mapped_column(Text, server_default="")
    scans_at_close: Mapped[int] = mapped_column(BigInteger, server_default="0")


class AnomalyCode(Base):
    """A code that an anomaly concerns, and how often it was scanned for it. The first CODES_KEPT_MAX of each are kept."""

    __tablename__ = "anomaly_code"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "anomaly_id"], ["anomaly.tenant_id", "anomaly.id"]),
        Index("ix_anomaly_code", "tenant_id", "epoch", "counter"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    anomaly_id: Mapped[UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    counter: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    scans: Mapped[int] = mapped_column(BigInteger)
    first_seen_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    last_seen_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class AnomalyEvent(Base):
    """Somebody saw, closed, reopened or noted something. Rows are only added."""

    __tablename__ = "anomaly_event"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "anomaly_id"], ["anomaly.tenant_id", "anomaly.id"]),
        CheckConstraint("action IN ('seen', 'closed', 'reopened', 'noted')", name="action"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    anomaly_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text, server_default="")
    report_id: Mapped[UUID | None]
