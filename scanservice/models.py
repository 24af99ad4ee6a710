"""The scan log in PostgreSQL, its projection by day, and where each partition's ingester stands. Private to this package."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class Scan(Base):
    """One reading of a code, once by its scan id. Seen when answered; `confirmed_at` set once, when a person looked.

    Partitioned by month of `scanned_at` (function `ensure_scan_partition`). Invalid codes have no epoch and counter but their text.
    """

    __tablename__ = "scan"
    __table_args__ = (
        CheckConstraint("(epoch IS NULL) = (counter IS NULL)", name="code"),
        Index("ix_scan_code", "tenant_id", "epoch", "counter", "scanned_at"),
        Index("ix_scan_time", "tenant_id", "scanned_at"),
        Index("ix_scan_visitor", "tenant_id", "visitor", "scanned_at"),
        Index("ix_scan_order", "tenant_id", "order_id", "scanned_at"),
        {"postgresql_partition_by": "RANGE (scanned_at)"},
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    scan_id: Mapped[UUID] = mapped_column(primary_key=True)
    scanned_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), primary_key=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    epoch: Mapped[int | None] = mapped_column(SmallInteger)
    counter: Mapped[int | None] = mapped_column(BigInteger)
    order_id: Mapped[UUID | None]
    gtin: Mapped[str] = mapped_column(Text, server_default="")
    lot: Mapped[str] = mapped_column(Text, server_default="")
    serial: Mapped[str] = mapped_column(Text, server_default="")
    verdict: Mapped[str] = mapped_column(Text)
    reasons: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    role: Mapped[str] = mapped_column(Text)
    visitor: Mapped[bytes]
    whence: Mapped[bytes]
    ip: Mapped[str | None] = mapped_column(INET)
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    accuracy_m: Mapped[float | None] = mapped_column(Double)
    division: Mapped[str] = mapped_column(Text, server_default="")
    client: Mapped[str] = mapped_column(Text, server_default="")
    language: Mapped[str] = mapped_column(Text, server_default="")
    source: Mapped[str] = mapped_column(Text, server_default="live")


class ScanTotal(Base):
    """Scans by day (UTC), product, division and verdict: what the dashboard adds up. Empty text stands for unknown."""

    __tablename__ = "scan_total"

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    gtin: Mapped[str] = mapped_column(Text, primary_key=True)
    division: Mapped[str] = mapped_column(Text, primary_key=True)
    verdict: Mapped[str] = mapped_column(Text, primary_key=True)
    scans: Mapped[int] = mapped_column(BigInteger)
    confirmed: Mapped[int] = mapped_column(BigInteger)


class LogPosition(Base):
    """How far a partition of the log is in PostgreSQL: generation and sequence number of the last entry. No tenant: partitions mix them."""

    __tablename__ = "log_position"

    partition: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    generation: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)
    stopped: Mapped[str] = mapped_column(Text, server_default="")
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class LogGeneration(Base):
    """The generation number that every partition in Redis must show. One row; no tenant, as the log has none."""

    __tablename__ = "log_generation"
    __table_args__ = (CheckConstraint("one_row", name="one_row"),)

    one_row: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    generation: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class DeadLetter(Base):
    """A log entry that could not be read. No tenant: what cannot be read does not say whose it is."""

    __tablename__ = "log_dead_letter"

    partition: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry: Mapped[bytes]
    error: Mapped[str] = mapped_column(Text)
    found_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class PinTry(Base):
    """A PIN that somebody entered, and whether it was right: never the PIN. Rows are only added; `lane` is the allowance it was taken from."""

    __tablename__ = "pin_try"
    __table_args__ = (
        CheckConstraint("outcome IN ('right', 'wrong')", name="outcome"),
        CheckConstraint("lane IN ('known', 'home', 'open')", name="lane"),
        Index("ix_pin_try_code", "tenant_id", "epoch", "counter", "tried_at"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(SmallInteger)
    counter: Mapped[int] = mapped_column(BigInteger)
    tried_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    outcome: Mapped[str] = mapped_column(Text)
    lane: Mapped[str] = mapped_column(Text)
    scan_id: Mapped[UUID]
    visitor: Mapped[bytes]
    whence: Mapped[bytes]


class ApiKey(Base):
    """A key by which an app or device reports scans. Of the key itself only its SHA-256 is kept: it has 256 bits of chance."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("key_sha256"),
        Index("uq_api_key_name", "tenant_id", "name", unique=True, postgresql_where="revoked_at IS NULL"),
        CheckConstraint("octet_length(key_sha256) = 32", name="key_sha256"),
        CheckConstraint("cardinality(scopes) > 0", name="scopes"),
        CheckConstraint("scans_per_s > 0", name="scans_per_s"),
    )

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    key_sha256: Mapped[bytes]
    shown: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scans_per_s: Mapped[int]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    revoked_by: Mapped[str] = mapped_column(Text, server_default="")
    revoked_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class RetentionMark(Base):
    """Scans before `until` have been rid of a subject: the addresses they came from, or their exact positions."""

    __tablename__ = "retention_mark"
    __table_args__ = (CheckConstraint("subject IN ('addresses', 'positions')", name="subject"),)

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class CodeState(Base):
    """What scans of dropped months did to the state of a code, packed as in `scanservice.hot.state` but with up to SLOTS_MAX slots
    (`scanservice.ingest.kept_states`). Scans that are still there may be in it as well: a state does not count, it remembers.
    """

    __tablename__ = "code_state"
    __table_args__ = (
        CheckConstraint(
            "octet_length(state) >= 9 AND (octet_length(state) - 9) % 15 = 0 AND get_byte(state, 0) & 4 = 0", name="layout"
        ),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    epoch: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    counter: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[bytes]


class ScanMonth(Base):
    """How far a brand's month is folded into `code_state`, how much of it that was, and how many of its scans have been dropped."""

    __tablename__ = "scan_month"
    __table_args__ = (CheckConstraint("EXTRACT(day FROM month) = 1", name="first"),)

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    folded_until: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    scans: Mapped[int] = mapped_column(BigInteger, server_default="0")
    confirmed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    dropped: Mapped[int] = mapped_column(BigInteger, server_default="0")
    dropped_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
