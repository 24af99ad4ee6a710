"""Tables of consumers' reports and their photos. Private to this folder."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class FakeReport(Base):
    """What a consumer wrote about one scan, and what became of it. The phone number lies sealed; words go when `forgotten_at` is set."""

    __tablename__ = "fake_report"
    __table_args__ = (
        CheckConstraint("(epoch IS NULL) = (counter IS NULL)", name="code"),
        CheckConstraint("state IN ('received', 'looked_at', 'answered', 'closed')", name="state"),
        Index("ix_fake_report_received", "tenant_id", "received_at", "id"),
        Index("ix_fake_report_waiting", "tenant_id", postgresql_where="state = 'received'"),
        Index("ix_fake_report_code", "tenant_id", "epoch", "counter"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    scan_id: Mapped[UUID]
    visitor: Mapped[bytes]
    epoch: Mapped[int | None] = mapped_column(SmallInteger)
    counter: Mapped[int | None] = mapped_column(BigInteger)
    order_id: Mapped[UUID | None]
    gtin: Mapped[str] = mapped_column(Text)
    lot: Mapped[str] = mapped_column(Text)
    serial: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    phone_sealed: Mapped[bytes | None]
    language: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    looked_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    looked_at_by: Mapped[str] = mapped_column(Text, server_default="")
    answer: Mapped[str] = mapped_column(Text, server_default="")
    answered_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    answered_by: Mapped[str] = mapped_column(Text, server_default="")
    closed_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    closed_by: Mapped[str] = mapped_column(Text, server_default="")
    close_reason: Mapped[str] = mapped_column(Text, server_default="")
    forgotten_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class FakeReportPhoto(Base):
    """A photo's random name in the object folder."""

    __tablename__ = "fake_report_photo"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "report_id"], ["fake_report.tenant_id", "fake_report.id"]),)

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int]
