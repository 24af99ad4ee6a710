"""Orders that a restored backup has lost, entered again from their records, so that the codes in the world find their range again.

A record is what `codes record` wrote when the order was placed, or what a print package's manifest tells. Promises: the order comes back with its own
id, epoch and counters, and its epoch will never issue them again; entering it twice is entering it once. What was decided about its codes is
lost with the database: they are inactive until somebody releases them again. Refuses an epoch that is still open (another order may be given the
same counters meanwhile: open the next epoch first), ranges that another order holds, and records that contradict what is here.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import audit, catalogue_version, models, orders, packaging, products
from codegen.audit import Action
from codegen.cipher import COUNTER_MAX, EPOCH_MAX
from codegen.keys.keyring import EpochUnknown
from codegen.kinds import Kind, Profile
from codegen.orders import QUANTITY_MAX, CodeOrder
from codegen.packaging import Packaging
from codegen.proofs import Proofs
from kit.refusals import Conflict, Malformed

FORMAT = "onemark-order/1"


class RecordMalformed(Malformed):
    code = "order_record_malformed"
    says = "This is no record of an order: {why}."


class EpochStillOpen(Conflict):
    code = "epoch_still_open"
    says = "Epoch {epoch} still issues codes. After a restored backup the next epoch is opened first: onemark doctor --after-restore."


class RangeTaken(Conflict):
    code = "range_taken"
    says = "Counters {first} to {last} of epoch {epoch} belong to order {order_id}."


class RecordDiffers(Conflict):
    code = "order_record_differs"
    says = "Order {order_id} is here already, and is another one than in the record."


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str = FORMAT
    order_id: UUID
    request_id: str
    epoch: Annotated[int, msgspec.Meta(ge=0, le=EPOCH_MAX)]
    first_counter: Annotated[int, msgspec.Meta(ge=0, le=COUNTER_MAX)]
    items: Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX)]
    gtin: str | None
    lot: str
    kind: Kind
    profile: Profile
    inner: bool = False
    items_per_case: int | None = None
    cases_per_pallet: int | None = None
    signed: bool = False
    pin: bool = False
    ordered_by: str
    created_at: datetime

    @property
    def packaging(self) -> Packaging | None:
        return packaging.of_columns(
            items=self.items if self.inner or self.items_per_case or self.cases_per_pallet else None,
            inner_codes=self.inner,
            items_per_case=self.items_per_case,
            cases_per_pallet=self.cases_per_pallet,
        )

    @property
    def proofs(self) -> Proofs:
        return Proofs(signed=self.signed, pin=self.pin)

    @property
    def quantity(self) -> int:
        return self.items if self.packaging is None else self.packaging.codes


def record(order: CodeOrder) -> OrderRecord:
    packed = order.packaging
    return OrderRecord(
        order_id=order.id,
        request_id=order.request_id,
        epoch=order.epoch,
        first_counter=order.first_counter,
        items=order.items,
        gtin=order.gtin or None,
        lot=order.lot,
        kind=order.kind,
        profile=order.profile,
        inner=packed.inner if packed else False,
        items_per_case=packed.items_per_case if packed else None,
        cases_per_pallet=packed.cases_per_pallet if packed else None,
        signed=order.proofs.signed,
        pin=order.proofs.pin,
        ordered_by=order.ordered_by,
        created_at=order.created_at,
    )


def read(text: bytes) -> OrderRecord:
    try:
        found = msgspec.json.decode(text, type=OrderRecord)
    except msgspec.MsgspecError as error:
        raise RecordMalformed(why=str(error)) from error
    if found.format != FORMAT:
        raise RecordMalformed(why=f"its format is {found.format!r}, not {FORMAT!r}")
    if found.created_at.tzinfo is None:
        raise RecordMalformed(why="its time names no zone")
    if found.first_counter + found.quantity - 1 > COUNTER_MAX:
        raise RecordMalformed(why="its counters reach beyond an epoch")
    if found.packaging is not None and found.kind is not Kind.ITEM_OUTER:
        raise RecordMalformed(why="only items are packed")
    if found.gtin is None and found.profile is not Profile.SHORT:
        raise RecordMalformed(why="only short codes are blank")
    return found


def reenter(session: Session, lost: OrderRecord, *, tenant_id: int, now: datetime, actor: str) -> CodeOrder:
    packed = lost.packaging
    if packed is not None:
        packaging.checked(packed)
    orders.check_lot(lost.lot)
    gtin = None if lost.gtin is None else products.find(session, tenant_id=tenant_id, gtin=lost.gtin).gtin
    epoch = session.scalar(
        select(models.KeyEpoch)
        .where(models.KeyEpoch.tenant_id == tenant_id, models.KeyEpoch.epoch == lost.epoch)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if epoch is None:
        raise EpochUnknown(epoch=lost.epoch)
    there = session.get(models.CodeOrder, (tenant_id, lost.order_id))
    if there is not None:
        found = orders.find(session, lost.order_id, tenant_id=tenant_id)
        if record(found) != lost:
            raise RecordDiffers(order_id=lost.order_id)
        return found
    if epoch.state == "open":
        raise EpochStillOpen(epoch=lost.epoch)
    _check_free(session, lost, tenant_id=tenant_id)
    added = session.execute(
        insert(models.CodeOrder)
        .values(
            tenant_id=tenant_id,
            id=lost.order_id,
            request_id=lost.request_id,
            epoch=lost.epoch,
            first_counter=lost.first_counter,
            gtin=gtin,
            lot=lost.lot,
            kind=lost.kind.value,
            profile=lost.profile.value,
            ordered_by=lost.ordered_by,
            created_at=lost.created_at,
            **packaging.columns(lost.items, packed),
            **lost.proofs.columns(),
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "request_id"])
        .returning(models.CodeOrder.id)
    ).scalar_one_or_none()
    if added is None:
        raise RecordDiffers(order_id=lost.order_id)
    session.execute(
        update(models.KeyEpoch)
        .where(models.KeyEpoch.tenant_id == tenant_id, models.KeyEpoch.epoch == lost.epoch)
        .values(next_counter=func.greatest(models.KeyEpoch.next_counter, lost.first_counter + lost.quantity))
    )
    facts = msgspec.to_builtins(lost)
    audit.write(
        session,
        Action.ORDER_REENTERED,
        tenant_id=tenant_id,
        actor=actor,
        now=now,
        order_id=lost.order_id,
        epoch=lost.epoch,
        facts=facts,
    )
    catalogue_version.grow(session)
    return orders.find(session, lost.order_id, tenant_id=tenant_id)


def _check_free(session: Session, lost: OrderRecord, *, tenant_id: int) -> None:
    last = lost.first_counter + lost.quantity - 1
    holder = session.scalar(
        select(models.CodeOrder.id)
        .where(
            models.CodeOrder.tenant_id == tenant_id,
            models.CodeOrder.epoch == lost.epoch,
            models.CodeOrder.first_counter <= last,
            models.CodeOrder.first_counter + models.CodeOrder.quantity > lost.first_counter,
        )
        .limit(1)
    )
    if holder is not None:
        raise RangeTaken(first=lost.first_counter, last=last, epoch=lost.epoch, order_id=holder)
