"""Tables of distributors, their territories and what was shipped to them. Private to this package."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class Distributor(Base):
    __tablename__ = "distributor"

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    distributor_id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class Territory(Base):
    """One division a distributor may sell in: six digits of GB/T 2260 in China, ISO 3166-2 elsewhere. A province covers its counties."""

    __tablename__ = "territory"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "distributor_id"], ["distributor.tenant_id", "distributor.distributor_id"]),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    distributor_id: Mapped[str] = mapped_column(Text, primary_key=True)
    division: Mapped[str] = mapped_column(Text, primary_key=True)


class Shipment(Base):
    """Goods on their way to a distributor: a whole lot, or one serial (epoch and counter). The id is derived from the facts."""

    __tablename__ = "shipment"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "distributor_id"], ["distributor.tenant_id", "distributor.distributor_id"]),
        CheckConstraint("(epoch IS NULL) = (counter IS NULL)", name="serial"),
        Index("ix_shipment_lot", "tenant_id", "lot"),
        Index("ix_shipment_serial", "tenant_id", "epoch", "counter"),
        Index("ix_shipment_distributor", "tenant_id", "distributor_id", "shipped_at"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    distributor_id: Mapped[str] = mapped_column(Text)
    shipped_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    lot: Mapped[str] = mapped_column(Text, server_default="")
    serial: Mapped[str] = mapped_column(Text, server_default="")
    epoch: Mapped[int | None] = mapped_column(SmallInteger)
    counter: Mapped[int | None] = mapped_column(BigInteger)


class ImportedFile(Base):
    """A file that was loaded whole, by its SHA-256: the same file again changes nothing and says so."""

    __tablename__ = "imported_file"

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    rows: Mapped[int]
    rows_new: Mapped[int]
    imported_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
