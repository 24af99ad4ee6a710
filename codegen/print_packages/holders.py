"""Whose packages hold a code, asked for many codes at once: a watch over scans must not ask the database for each.

Promises: one query for any number of orders; the answer for a counter is the same set as `packages.covering` gives, the first print of
the codes before its PINs and before reprints. Canaries are found by the order that their counters belong to.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from codegen.print_packages.package_models import Package

_CODES = "codes"  # the content that is printed; PINs are the other


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    package_id: UUID
    first: int
    last: int


@dataclass(slots=True)
class _Given:
    """The parts of one order. First prints of one content never overlap; reprints may, and are few."""

    codes: list[_Part] = field(default_factory=list)
    pins: list[_Part] = field(default_factory=list)
    reprints: list[_Part] = field(default_factory=list)
    canaries: list[UUID] = field(default_factory=list)


class Holders:
    def __init__(self, by_order: dict[UUID, _Given]) -> None:
        self._by_order = by_order

    def of(self, order_id: UUID, counter: int) -> tuple[UUID, ...]:
        """Ids of the packages that hold this counter of the order, whoever had it first before the others."""
        given = self._by_order.get(order_id)
        if given is None:
            return ()
        found = [*given.canaries, *_at(given.codes, counter), *_at(given.pins, counter)]
        return (*found, *(part.package_id for part in given.reprints if part.first <= counter <= part.last))


def of_orders(session: Session, *, tenant_id: int, order_ids: Collection[UUID]) -> Holders:
    by_order: dict[UUID, _Given] = {order_id: _Given() for order_id in order_ids}
    rows = session.execute(
        select(
            Package.id,
            Package.order_id,
            Package.canary_order_id,
            Package.content,
            Package.reprint,
            Package.first_counter,
            Package.last_counter,
        )
        .where(
            Package.tenant_id == tenant_id,
            or_(Package.order_id.in_(by_order), Package.canary_order_id.in_(by_order)),
        )
        .order_by(Package.first_counter, Package.created_at, Package.id)
    )
    for package_id, order_id, canary_order_id, content, reprint, first, last in rows:
        if canary_order_id in by_order:
            by_order[canary_order_id].canaries.append(package_id)
        if order_id in by_order:
            given = by_order[order_id]
            part = _Part(package_id=package_id, first=first, last=last)
            first_prints = given.codes if content == _CODES else given.pins
            (given.reprints if reprint else first_prints).append(part)
    return Holders(by_order)


def _at(parts: Sequence[_Part], counter: int) -> Sequence[UUID]:
    place = bisect_right(parts, counter, key=lambda part: part.first) - 1
    return (parts[place].package_id,) if place >= 0 and parts[place].last >= counter else ()
