"""Tables of resolver links: the links, the hosts they may lead to, and a brand's own vocabularies. Private to this package."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class ResolverLink(Base):
    """One link of a product (no lot, no serial), a lot or an item. Removed ones stay, so that a removal can be undone."""

    __tablename__ = "resolver_link"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "gtin"], ["product.tenant_id", "product.gtin"]),
        CheckConstraint("lot = '' OR serial = ''", name="level"),
        CheckConstraint("role IN ('plain', 'default', 'multi')", name="role"),
        CheckConstraint("serial = '' OR role = 'plain'", name="item_default"),
        CheckConstraint("href LIKE 'https://%'", name="https"),
        CheckConstraint("valid_from < valid_until", name="validity"),
        Index("ix_resolver_link_level", "tenant_id", "gtin", "lot", "serial"),
        Index("uq_resolver_link_same", "tenant_id", "fingerprint", unique=True, postgresql_where="removed_at IS NULL"),
        Index(
            "uq_resolver_link_default",
            "tenant_id",
            "gtin",
            "lot",
            unique=True,
            postgresql_where="role = 'default' AND removed_at IS NULL",
        ),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    gtin: Mapped[str] = mapped_column(Text)
    lot: Mapped[str] = mapped_column(Text, server_default="")
    serial: Mapped[str] = mapped_column(Text, server_default="")
    link_type: Mapped[str] = mapped_column(Text)
    href: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    media_type: Mapped[str] = mapped_column(Text, server_default="")
    contexts: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    role: Mapped[str] = mapped_column(Text, server_default="plain")
    place: Mapped[int] = mapped_column(Integer, server_default="0")
    passes_query: Mapped[bool] = mapped_column(server_default="true")
    valid_from: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    valid_until: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    fingerprint: Mapped[bytes]
    revision: Mapped[int] = mapped_column(Integer, server_default="1")
    changed_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    removed_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class LinkHost(Base):
    """A host that links of the brand may lead to, with everything below it (ASVS 5.0 V3.7.2)."""

    __tablename__ = "link_host"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    host: Mapped[str] = mapped_column(Text, primary_key=True)
    added_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class LinkVocabulary(Base):
    """A prefix and the namespace of a brand's own link types."""

    __tablename__ = "link_vocabulary"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    namespace: Mapped[str] = mapped_column(Text)
    added_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
