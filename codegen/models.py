"""Tables of brands, their keys, products and code orders. Private to this package: others use its subject modules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base

COUNTER_MAX = (1 << 40) - 1
EPOCH_MAX = 30


class Tenant(Base):
    """A brand. Its own id is the tenant id that row-level security compares."""

    __tablename__ = "tenant"
    __table_args__ = (UniqueConstraint("slug"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    scan_origin: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text, server_default="Asia/Shanghai")
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class BrandHost(Base):
    """A host name under which the brand's codes are scanned. Several brands may share one; short codes need one of their own."""

    __tablename__ = "brand_host"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    host: Mapped[str] = mapped_column(Text, primary_key=True)


class GtinPrefix(Base):
    __tablename__ = "gtin_prefix"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    prefix: Mapped[str] = mapped_column(Text, primary_key=True)


class KeyEpoch(Base):
    """One master key of a brand, wrapped, and the next counter that nobody was given yet."""

    __tablename__ = "key_epoch"
    __table_args__ = (
        CheckConstraint(f"epoch BETWEEN 0 AND {EPOCH_MAX}", name="epoch"),
        CheckConstraint(f"next_counter BETWEEN 0 AND {COUNTER_MAX + 1}", name="next_counter"),
        CheckConstraint("state IN ('open', 'closed', 'revoked')", name="state"),
        Index("uq_key_epoch_open", "tenant_id", unique=True, postgresql_where="state = 'open'"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    wrapped_master: Mapped[bytes]
    kek_id: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    next_counter: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class Product(Base):
    """A GTIN belongs to one brand of the instance: on a shared host it names whose code was scanned."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("gtin"),
        CheckConstraint("gtin ~ '^[0-9]{14}$'", name="gtin"),
        CheckConstraint("stranger_rate_pm BETWEEN 1 AND 999", name="stranger_rate_pm"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    gtin: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text, server_default="")
    description: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    # By what evidence of copies its buyers are warned; NULL: as usual.
    stranger_rate_pm: Mapped[int | None] = mapped_column(SmallInteger)
    suspect_at_db: Mapped[int | None] = mapped_column(SmallInteger)


class CodeOrder(Base):
    """A request for a range of counters: the one row that a billion codes cost."""

    __tablename__ = "code_order"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "gtin"], ["product.tenant_id", "product.gtin"]),
        ForeignKeyConstraint(["tenant_id", "epoch"], ["key_epoch.tenant_id", "key_epoch.epoch"]),
        UniqueConstraint("tenant_id", "request_id"),
        UniqueConstraint("tenant_id", "epoch", "first_counter"),
        CheckConstraint("quantity BETWEEN 1 AND 4000000000", name="quantity"),
        CheckConstraint(
            "CASE WHEN items IS NULL THEN NOT inner_codes AND items_per_case IS NULL AND cases_per_pallet IS NULL"
            " ELSE items BETWEEN 1 AND 1000000000 AND kind = 'item_outer' AND quantity = items * (1 + inner_codes::int)"
            " + coalesce(items / items_per_case, 0) + coalesce(items / (items_per_case * cases_per_pallet), 0) END",
            name="packaging",
        ),
        CheckConstraint("kind IN ('item_outer', 'item_inner', 'case', 'pallet', 'spare', 'canary')", name="kind"),
        CheckConstraint("profile IN ('gs1', 'short')", name="profile"),
        CheckConstraint("gtin IS NOT NULL OR profile = 'short'", name="blank"),
        CheckConstraint("stage IN ('draft', 'issued', 'closed')", name="stage"),
        Index("ix_code_order_lot", "tenant_id", "lot"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int] = mapped_column(SmallInteger)
    first_counter: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[int] = mapped_column(BigInteger)
    gtin: Mapped[str | None] = mapped_column(Text)
    lot: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text, server_default="issued")
    items: Mapped[int | None] = mapped_column(BigInteger)
    inner_codes: Mapped[bool] = mapped_column(server_default="false")
    items_per_case: Mapped[int | None] = mapped_column(BigInteger)
    cases_per_pallet: Mapped[int | None] = mapped_column(BigInteger)
    signed: Mapped[bool] = mapped_column(server_default="false")
    pin: Mapped[bool] = mapped_column(server_default="false")
    ordered_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class OrderMark(Base):
    """How the codes of an order are marked: number 0 as it was ordered, the last one as it is. `mask` is decided once, when first drawn."""

    __tablename__ = "order_mark"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["code_order.tenant_id", "code_order.id"]),
        CheckConstraint("mask BETWEEN 0 AND 7", name="mask"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB)
    mask: Mapped[int | None] = mapped_column(SmallInteger)
    set_by: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class Binding(Base):
    """What a stretch of a blank order's codes stands for since somebody bound it. Rows are only added, and never overlap."""

    __tablename__ = "binding"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["code_order.tenant_id", "code_order.id"]),
        ForeignKeyConstraint(["tenant_id", "gtin"], ["product.tenant_id", "product.gtin"]),
        CheckConstraint("first_counter <= last_counter", name="interval"),
        CheckConstraint("scene IN ('verify', 'reward', 'trace')", name="scene"),
        Index("ix_binding_order", "tenant_id", "order_id", "first_counter"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID]
    first_counter: Mapped[int] = mapped_column(BigInteger)
    last_counter: Mapped[int] = mapped_column(BigInteger)
    gtin: Mapped[str] = mapped_column(Text)
    lot: Mapped[str] = mapped_column(Text)
    scene: Mapped[str] = mapped_column(Text)
    bound_by: Mapped[str] = mapped_column(Text)
    bound_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class RangeState(Base):
    """One decision about a stretch of counters. Rows are only added; `codegen.lifecycle.ranges` says which of them counts."""

    __tablename__ = "range_state"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["code_order.tenant_id", "code_order.id"]),
        CheckConstraint("state IN ('printed', 'active', 'frozen', 'unfrozen', 'recalled', 'void')", name="state"),
        CheckConstraint("first_counter <= last_counter", name="interval"),
        Index("ix_range_state_order", "tenant_id", "order_id"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID]
    epoch: Mapped[int] = mapped_column(SmallInteger)
    first_counter: Mapped[int] = mapped_column(BigInteger)
    last_counter: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    decided_by: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class Audit(Base):
    """One decision that somebody made: who, when, what and why. Rows are added and read, never changed."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_order", "tenant_id", "order_id", postgresql_where="order_id IS NOT NULL"),)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    order_id: Mapped[UUID | None]
    epoch: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class CatalogueVersion(Base):
    """One row for the instance: a number that grows with every change that edges must hear of. No tenant: edges serve all."""

    __tablename__ = "catalogue_version"
    __table_args__ = (CheckConstraint("one_row", name="one_row"),)

    one_row: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    version: Mapped[int] = mapped_column(BigInteger)


class Export(Base):
    """A file of codes being written by a worker, with its progress."""

    __tablename__ = "export"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["code_order.tenant_id", "code_order.id"]),
        CheckConstraint("state IN ('queued', 'running', 'ready', 'failed')", name="state"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(Text)
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_total: Mapped[int] = mapped_column(BigInteger)
    file_name: Mapped[str] = mapped_column(Text, server_default="")
    error: Mapped[str] = mapped_column(Text, server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    requested_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
