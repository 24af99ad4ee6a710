"""Tables of print packages: who gets which stretch of which order, and who fetched the files. Private to this package."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class PackageRecipient(Base):
    """A printer, cap maker or label house. The passphrase lies sealed under the key-encryption key."""

    __tablename__ = "package_recipient"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("passphrase_sealed IS NULL OR public_key IS NULL", name="one_lock"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(Text, server_default="")
    passphrase_sealed: Mapped[bytes | None]
    public_key: Mapped[str | None] = mapped_column(Text)
    added_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class Package(Base):
    """A stretch of an order for one recipient. An exclusion constraint in the migration keeps stretches of one content from overlapping,
    save for reprints; rows are never deleted: they name who leaked a code.
    """

    __tablename__ = "package"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["code_order.tenant_id", "code_order.id"]),
        ForeignKeyConstraint(["tenant_id", "canary_order_id"], ["code_order.tenant_id", "code_order.id"]),
        ForeignKeyConstraint(["tenant_id", "recipient_id"], ["package_recipient.tenant_id", "package_recipient.id"]),
        CheckConstraint("content IN ('codes', 'pins')", name="content"),
        CheckConstraint("state IN ('queued', 'running', 'ready', 'failed')", name="state"),
        CheckConstraint("first_counter <= last_counter", name="interval"),
        Index("ix_package_order", "tenant_id", "order_id"),
        Index("ix_package_canary_order", "tenant_id", "canary_order_id"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    content: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int] = mapped_column(SmallInteger)
    first_counter: Mapped[int] = mapped_column(BigInteger)
    last_counter: Mapped[int] = mapped_column(BigInteger)
    reprint: Mapped[bool] = mapped_column(server_default="false")
    canary_order_id: Mapped[UUID | None]
    canaries: Mapped[int] = mapped_column(server_default="0")
    recipe: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text)
    bytes_done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    note_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rest: Mapped[bytes] = mapped_column(server_default="")
    file_name: Mapped[str] = mapped_column(Text)
    manifest: Mapped[str] = mapped_column(Text, server_default="")
    error: Mapped[str] = mapped_column(Text, server_default="")
    downloads_max: Mapped[int]
    requested_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class PackageTemplate(Base):
    """A brand's own template, by its name."""

    __tablename__ = "package_template"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    template: Mapped[dict[str, Any]] = mapped_column(JSONB)
    saved_by: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class PackageDownload(Base):
    """Somebody fetched a package's file, the `number`-th time. Rows are only added."""

    __tablename__ = "package_download"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "package_id"], ["package.tenant_id", "package.id"]),)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    package_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    fetched_by: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
