"""Code orders: a request for a range of counters, the one row that a billion codes cost.

Promises: ranges of one epoch never overlap, and a counter is given once; the same request id with the same data is the first order
again. Refuses quantities outside 1 to 10^9, lots that a label, a Digital Link or a spreadsheet would garble, unknown products,
and the same request id with other data.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import audit, brands, catalogue_version, marks, models, packaging, products
from codegen.audit import Action
from codegen.cipher import COUNTER_MAX
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.packaging import Packaging
from codegen.proofs import NO_PROOFS, Proofs
from codegen.symbology import mark_specs
from codegen.symbology.mark_specs import MarkSpec
from kit import ids
from kit.refusals import Conflict, Invalid, NotFound

QUANTITY_MAX = 10**9
LOT_LENGTH_MAX = 20  # GS1 General Specifications, AI 10
REQUEST_ID_LENGTH_MAX = 200
# AI 10 allows more; GB/T 33993 bars % & / < > ?, and a cell that starts with = + - @ is a formula to a spreadsheet.
_LOT = re.compile(rf"[A-Za-z0-9._][A-Za-z0-9._-]{{0,{LOT_LENGTH_MAX - 1}}}")


class Stage(StrEnum):
    """What an order's row knows of its life; whether it is printed or active follows from decisions about its ranges."""

    DRAFT = "draft"
    ISSUED = "issued"
    CLOSED = "closed"


class OrderQuantity(Invalid):
    code = "order_quantity"
    says = "An order is for 1 to {quantity_max} codes, not for {quantity}."


class LotMalformed(Invalid):
    code = "lot_malformed"
    says = "A lot is 1 to 20 letters, digits, '.', '_' or '-', and does not start with '-'; {lot!r} is not."


class PackagingOfItems(Invalid):
    code = "packaging_of_items"
    says = "Inner codes, cases and pallets go with an order of kind item_outer, not {kind}."


class BlankNotShort(Invalid):
    code = "blank_not_short"
    says = "Codes without a product are printed in the short profile: a Digital Link names the product."


class RequestIdMalformed(Invalid):
    code = "request_id_malformed"
    says = "A request id has 1 to {length_max} printable characters."


class RequestDiffers(Conflict):
    code = "request_differs"
    says = "Request {request_id!r} was made before with another {field}: {there}."


class EpochNotOpen(Conflict):
    code = "epoch_not_open"
    says = "This brand has no open key epoch to issue codes from."


class EpochFull(Conflict):
    code = "epoch_full"
    says = "Epoch {epoch} has {left} counters left, fewer than {quantity}. Open the next epoch."


class ShortHostShared(Conflict):
    code = "short_host_shared"
    says = "Short codes need a scan origin of their own; {scan_origin} is also another brand's."


class OrderUnknown(NotFound):
    code = "order_unknown"
    says = "This brand has no code order {order_id}."


class OrderNotIssued(Conflict):
    code = "order_not_issued"
    says = "Order {order_id} is a draft. Issue it first."


class OrderClosed(Conflict):
    code = "order_closed"
    says = "Order {order_id} is closed: nothing more of it is printed or released. Its codes stay what they are."


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOrder:
    id: UUID
    request_id: str
    epoch: int
    first_counter: int
    quantity: int
    gtin: Gtin
    lot: str
    kind: Kind
    profile: Profile
    ordered_by: str
    created_at: datetime
    stage: Stage = Stage.ISSUED
    packaging: Packaging | None = None
    proofs: Proofs = NO_PROOFS

    @property
    def items(self) -> int:
        """How many units were asked for; `quantity` counts all codes, those of cases and pallets too."""
        return self.quantity if self.packaging is None else self.packaging.items

    @property
    def blank(self) -> bool:
        """Without a product: its codes are bound one day (codegen.lifecycle.bindings), and `lot` names the roll."""
        return not self.gtin

    @property
    def last_counter(self) -> int:
        return self.first_counter + self.quantity - 1

    def row_of(self, n: int) -> int:
        """The place of counter `n` in the order, the first one being 1, as in the lines of its export."""
        return n - self.first_counter + 1

    def kind_of(self, n: int) -> Kind:
        return self.kind if self.packaging is None else self.packaging.kind_of(n - self.first_counter)

    def parent_of(self, n: int) -> int | None:
        """The counter of what holds `n`; None: nothing of this order does."""
        place = None if self.packaging is None else self.packaging.parent_of(n - self.first_counter)
        return None if place is None else self.first_counter + place

    def children_of(self, n: int) -> range:
        """The counters of what is directly inside."""
        places = range(0) if self.packaging is None else self.packaging.children_of(n - self.first_counter)
        return range(self.first_counter + places.start, self.first_counter + places.stop)

    def twin_of(self, n: int) -> int | None:
        """The counter of the other code on the same item."""
        place = None if self.packaging is None else self.packaging.twin_of(n - self.first_counter)
        return None if place is None else self.first_counter + place


def place(
    session: Session,
    *,
    tenant_id: int,
    gtin: str | None,
    quantity: int,
    lot: str,
    kind: Kind = Kind.ITEM_OUTER,
    profile: Profile = Profile.GS1,
    request_id: str,
    now: datetime,
    actor: str,
    stage: Stage = Stage.ISSUED,
    inner: bool = False,
    items_per_case: int | None = None,
    cases_per_pallet: int | None = None,
    proofs: Proofs = NO_PROOFS,
    mark: MarkSpec | None = None,
) -> CodeOrder:
    """Takes the next counters of the brand's open epoch, for `quantity` items and for what they are packed in (codegen.packaging).

    Without a `gtin` the codes are blank: of profile SHORT, and bound to a product later (codegen.lifecycle.bindings); `lot` is then the name of
    their roll. `mark` None: as usual (codegen.marks). `request_id` is the caller's: once is once. `stage` DRAFT keeps the codes from being printed or released until somebody issues the order (codegen.lifecycle.order_life).
    """
    _check(quantity=quantity, lot=lot, request_id=request_id)
    if gtin is None and profile is not Profile.SHORT:
        raise BlankNotShort
    product = None if gtin is None else products.find(session, tenant_id=tenant_id, gtin=gtin).gtin
    packed = _packed(quantity, kind=kind, inner=inner, items_per_case=items_per_case, cases_per_pallet=cases_per_pallet)
    mark_specs.check(mark or marks.USUAL, gtin=product or Gtin(""), signed=proofs.signed)
    wanted: dict[str, object] = {"gtin": product, "lot": lot, "kind": kind.value, "profile": profile.value}
    wanted |= packaging.columns(quantity, packed) | proofs.columns()
    first = _by_request(session, tenant_id=tenant_id, request_id=request_id)
    if first is not None:
        marks.require_same(session, mark, tenant_id=tenant_id, order_id=first.id, request_id=request_id)
        return _same(first, wanted)
    if profile is Profile.SHORT:
        _check_own_origin(session, tenant_id=tenant_id)
    savepoint = session.begin_nested()
    epoch, first_counter = _allocate(session, tenant_id=tenant_id, quantity=packed.codes if packed else quantity)
    order_id = session.execute(
        insert(models.CodeOrder)
        .values(
            tenant_id=tenant_id,
            id=ids.uuid7(now),
            request_id=request_id,
            epoch=epoch,
            first_counter=first_counter,
            ordered_by=actor,
            created_at=now,
            stage=stage.value,
            **wanted,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "request_id"])
        .returning(models.CodeOrder.id)
    ).scalar_one_or_none()
    if order_id is None:
        # The same request came twice at once and the other was first: its counters stand, ours go back.
        savepoint.rollback()
        winner = _by_request(session, tenant_id=tenant_id, request_id=request_id)
        assert winner is not None  # noqa: S101 - the conflict was with a committed row
        marks.require_same(session, mark, tenant_id=tenant_id, order_id=winner.id, request_id=request_id)
        return _same(winner, wanted)
    savepoint.commit()
    marks.place(session, mark, tenant_id=tenant_id, order_id=order_id, now=now, actor=actor)
    audit.write(
        session, Action.ORDER_PLACED, tenant_id=tenant_id, actor=actor, now=now, order_id=order_id, epoch=epoch, facts=wanted
    )
    catalogue_version.grow(session)
    return find(session, order_id, tenant_id=tenant_id)


def find(session: Session, order_id: UUID, *, tenant_id: int) -> CodeOrder:
    row = session.get(models.CodeOrder, (tenant_id, order_id))
    if row is None:
        raise OrderUnknown(order_id=order_id)
    return of_row(row)


def require_issued(order: CodeOrder) -> None:
    """Whoever makes a file, a symbol or a package of an order asks this first."""
    if order.stage is Stage.DRAFT:
        raise OrderNotIssued(order_id=order.id)


def at(session: Session, *, tenant_id: int, epoch: int, counter: int) -> CodeOrder | None:
    """The order whose range holds this counter; None: nobody ordered it."""
    row = session.scalar(
        select(models.CodeOrder)
        .where(
            models.CodeOrder.tenant_id == tenant_id,
            models.CodeOrder.epoch == epoch,
            models.CodeOrder.first_counter <= counter,
        )
        .order_by(models.CodeOrder.first_counter.desc())
        .limit(1)
    )
    if row is None or counter > row.first_counter + row.quantity - 1:
        return None
    return of_row(row)


def of_lot(session: Session, *, tenant_id: int, lot: str) -> list[CodeOrder]:
    rows = session.scalars(
        select(models.CodeOrder)
        .where(models.CodeOrder.tenant_id == tenant_id, models.CodeOrder.lot == lot)
        .order_by(models.CodeOrder.id)
    )
    return [of_row(row) for row in rows]


def every(session: Session, *, tenant_id: int) -> list[CodeOrder]:
    """All orders by epoch and counter, as an edge holds them."""
    rows = session.scalars(
        select(models.CodeOrder)
        .where(models.CodeOrder.tenant_id == tenant_id)
        .order_by(models.CodeOrder.epoch, models.CodeOrder.first_counter)
    )
    return [of_row(row) for row in rows]


def holding(ordered: Sequence[CodeOrder], *, epoch: int, counter: int) -> CodeOrder | None:
    """The one of `ordered`, as `every` gives them, whose range holds this counter. Pure, for whoever asks many times."""
    place = bisect_right(ordered, (epoch, counter), key=lambda one: (one.epoch, one.first_counter)) - 1
    if place < 0 or ordered[place].epoch != epoch or ordered[place].last_counter < counter:
        return None
    return ordered[place]


def _packed(
    quantity: int, *, kind: Kind, inner: bool, items_per_case: int | None, cases_per_pallet: int | None
) -> Packaging | None:
    if not inner and items_per_case is None and cases_per_pallet is None:
        return None
    if kind is not Kind.ITEM_OUTER:
        raise PackagingOfItems(kind=kind)
    return packaging.checked(
        Packaging(items=quantity, inner=inner, items_per_case=items_per_case, cases_per_pallet=cases_per_pallet)
    )


def _check(*, quantity: int, lot: str, request_id: str) -> None:
    if not 1 <= quantity <= QUANTITY_MAX:
        raise OrderQuantity(quantity=quantity, quantity_max=QUANTITY_MAX)
    check_lot(lot)
    if not 1 <= len(request_id) <= REQUEST_ID_LENGTH_MAX or not request_id.isprintable():
        raise RequestIdMalformed(length_max=REQUEST_ID_LENGTH_MAX)


def check_lot(lot: str) -> None:
    if not _LOT.fullmatch(lot):
        raise LotMalformed(lot=lot)


def _check_own_origin(session: Session, *, tenant_id: int) -> None:
    origins = {entry.tenant_id: entry.scan_origin for entry in brands.directory(session)}
    mine = origins.pop(tenant_id)
    if mine in origins.values():
        raise ShortHostShared(scan_origin=mine)


def _allocate(session: Session, *, tenant_id: int, quantity: int) -> tuple[int, int]:
    """(epoch, first counter) of a range that is ours alone: the row lock of the UPDATE puts concurrent orders in line."""
    taken = session.execute(
        update(models.KeyEpoch)
        .where(
            models.KeyEpoch.tenant_id == tenant_id,
            models.KeyEpoch.state == "open",
            models.KeyEpoch.next_counter + quantity <= COUNTER_MAX + 1,
        )
        .values(next_counter=models.KeyEpoch.next_counter + quantity)
        .returning(models.KeyEpoch.epoch, models.KeyEpoch.next_counter)
    ).one_or_none()
    if taken is not None:
        return taken.epoch, taken.next_counter - quantity
    still_open = session.execute(
        select(models.KeyEpoch.epoch, models.KeyEpoch.next_counter).where(
            models.KeyEpoch.tenant_id == tenant_id, models.KeyEpoch.state == "open"
        )
    ).one_or_none()
    if still_open is None:
        raise EpochNotOpen
    raise EpochFull(epoch=still_open.epoch, left=COUNTER_MAX + 1 - still_open.next_counter, quantity=quantity)


def _by_request(session: Session, *, tenant_id: int, request_id: str) -> models.CodeOrder | None:
    return session.scalar(
        select(models.CodeOrder).where(models.CodeOrder.tenant_id == tenant_id, models.CodeOrder.request_id == request_id)
    )


def _same(row: models.CodeOrder, wanted: dict[str, Any]) -> CodeOrder:
    for field, value in wanted.items():
        there = getattr(row, field)
        if there != value:
            raise RequestDiffers(request_id=row.request_id, field=field, there=there)
    return of_row(row)


def of_row(row: models.CodeOrder) -> CodeOrder:
    """For the modules of this package that ask the table themselves."""
    return CodeOrder(
        id=row.id,
        request_id=row.request_id,
        epoch=row.epoch,
        first_counter=row.first_counter,
        quantity=row.quantity,
        gtin=Gtin(row.gtin or ""),
        lot=row.lot,
        kind=Kind(row.kind),
        profile=Profile(row.profile),
        ordered_by=row.ordered_by,
        created_at=row.created_at,
        stage=Stage(row.stage),
        packaging=packaging.of_columns(
            items=row.items,
            inner_codes=row.inner_codes,
            items_per_case=row.items_per_case,
            cases_per_pallet=row.cases_per_pallet,
        ),
        proofs=Proofs(signed=row.signed, pin=row.pin),
    )
