"""What was shipped to one distributor, as the scan log can be asked about it.

Promises: a serial that was shipped by itself belongs to whoever received it last, whatever became of its lot; a case or pallet brings what
lies in it; a lot counts from its
first shipment to this distributor on. Refuses a lot of which this distributor never received anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from codegen import orders, products
from codegen.orders import CodeOrder
from codegen.products import Product
from kit.refusals import NotFound
from scanservice.goods import CodeSince, Goods, OrderSince
from supplychain import shipments
from supplychain.shipments import LastReceiver, ShippedLot

SERIALS_MAX = 50_000
UNPACKED_MAX = 500_000


class LotNotYours(NotFound):
    code = "lot_not_yours"
    says = "No goods of lot {lot} were shipped to you."


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One lot, whole or in part. `products` are what codes of the lot were ordered for."""

    shipped: ShippedLot
    products: tuple[Product, ...]


def deliveries(session: Session, *, tenant_id: int, distributor_id: str) -> tuple[Delivery, ...]:
    """The goods of a distributor, the latest first; at most shipments.LOTS_MAX lots."""
    named = {product.gtin: product for product in products.listing(session, tenant_id=tenant_id)}
    ordered = _by_lot(session, tenant_id=tenant_id)
    return tuple(
        Delivery(
            shipped=lot,
            products=tuple(named[gtin] for gtin in sorted({order.gtin for order in ordered.get(lot.lot, ()) if order.gtin})),
        )
        for lot in shipments.lots_of(session, distributor_id, tenant_id=tenant_id)
    )


def delivery(session: Session, lot: str, *, tenant_id: int, distributor_id: str) -> Delivery:
    for one in deliveries(session, tenant_id=tenant_id, distributor_id=distributor_id):
        if one.shipped.lot == lot:
            return one
    raise LotNotYours(lot=lot)


def goods(session: Session, received: Sequence[Delivery], *, tenant_id: int, distributor_id: str) -> Goods:
    """Which scans are of these goods. Of serials shipped by themselves at most SERIALS_MAX are looked at."""
    ordered = _by_lot(session, tenant_id=tenant_id)
    alone = shipments.last_receivers(session, tenant_id=tenant_id, lots=[one.shipped.lot for one in received], limit=SERIALS_MAX)
    every = [order for same in ordered.values() for order in same]
    return Goods(
        orders=tuple(
            OrderSince(order_id=order.id, since=one.shipped.first_at)
            for one in received
            if one.shipped.whole
            for order in ordered.get(one.shipped.lot, ())
        ),
        codes=tuple(
            CodeSince(
                epoch=serial.epoch,
                counter=serial.counter,
                since=serial.shipped_at if serial.distributor_id == distributor_id else None,
            )
            for serial in unpacked(alone, every)
        ),
    )


def unpacked(alone: Sequence[LastReceiver], ordered: Sequence[CodeOrder]) -> list[LastReceiver]:
    """With what lies in the cases and pallets that were shipped; of two shipments the later one counts. Pure; at most UNPACKED_MAX codes."""
    by_place = sorted(ordered, key=lambda order: (order.epoch, order.first_counter))
    found: dict[tuple[int, int], LastReceiver] = {}
    for one in sorted(alone, key=lambda one: one.shipped_at):
        found[one.epoch, one.counter] = one
        order = orders.holding(by_place, epoch=one.epoch, counter=one.counter)
        below = list(order.children_of(one.counter)) if order is not None else []
        while below and order is not None and len(found) < UNPACKED_MAX:
            counter = below.pop()
            found[one.epoch, counter] = replace(one, counter=counter)
            below.extend(order.children_of(counter))
    return list(found.values())


def _by_lot(session: Session, *, tenant_id: int) -> Mapping[str, Sequence[CodeOrder]]:
    found: dict[str, list[CodeOrder]] = {}
    for order in orders.every(session, tenant_id=tenant_id):
        found.setdefault(order.lot, []).append(order)
    return found
