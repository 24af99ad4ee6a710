"""Table of staff accounts. Private to this package."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class Staff(Base):
    """A person who works for a brand or one of its distributors. `session_epoch` grows when all their sessions must end."""

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("role IN ('owner', 'marketer', 'distributor', 'inspector', 'line')", name="role"),
        CheckConstraint("(role = 'distributor') = (distributor_id IS NOT NULL)", name="distributor"),
        CheckConstraint("email = lower(email)", name="email"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    distributor_id: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, server_default="")
    session_epoch: Mapped[int] = mapped_column(server_default="0")
    disabled_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
