"""Tables of label templates and logos. Private to this package."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class LabelTemplateRow(Base):
    """A brand's own template. Packages hold a copy of what they were made with, so a template may change or go."""

    __tablename__ = "label_template"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    layout: Mapped[dict[str, Any]] = mapped_column(JSONB)
    revision: Mapped[int] = mapped_column(server_default="1")
    changed_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class LabelLogo(Base):
    """A picture by the SHA-256 of its bytes. Rows are only added: packages go by them."""

    __tablename__ = "label_logo"
    __table_args__ = (CheckConstraint("name ~ '^[0-9a-f]{64}$'", name="name"),)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    png: Mapped[bytes]
    uploaded_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
