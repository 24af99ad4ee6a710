"""Print packages: a stretch of an order made into a file for one recipient, with canaries and a signed manifest.

Promises: a counter goes to one recipient, or to a second one by a deliberate reprint alone, so that a leaked code names who had it; what the
file holds is fixed when it is asked for, so that every download and every restart gives the same bytes. `package_making` writes the file.
Refuses canaries where the order's epoch is closed (their serials would show), the same package id for something else, and stretches
above its limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen import brands, marking, marks, orders
from codegen.keys import keyring
from codegen.kinds import Kind
from codegen.lifecycle.ranges import checked_rows
from codegen.orders import CodeOrder
from codegen.print_packages import package_contents
from codegen.print_packages.file_designs import LINES, FileDesign, Format
from codegen.print_packages.guarding import canaries, package_locks, recipients
from codegen.print_packages.guarding.package_locks import Sealing
from codegen.print_packages.package_models import Package as Row
from codegen.print_packages.package_models import PackageRecipient
from codegen.print_packages.templates import Content
from codegen.proofs import Proofs
from kit.refusals import Conflict, Invalid, NotFound

DOWNLOADS_MAX = 3
PAGE_ROWS_MAX = 200
STUCK_AFTER = timedelta(minutes=2)


class PackageState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class Printing(StrEnum):
    FIRST = "first"
    REPRINT = "reprint"


class PackageUnknown(NotFound):
    code = "package_unknown"
    says = "This brand has no print package {package_id}."


class PackageDiffers(Conflict):
    code = "package_differs"
    says = "Package {package_id} was asked for before, and is another one."


class PartGiven(Conflict):
    code = "part_given"
    says = "Rows {first} to {last} of this order were given to {recipient!r} before. If they are to be printed again, say that it is a reprint."


class PartMixed(Invalid):
    code = "part_mixed"
    says = "Rows {first} to {last} are of several kinds, which go into packages of their own: {kinds}."


class CanariesShow(Conflict):
    code = "canaries_show"
    says = "Epoch {epoch} of this order is closed: canaries of another epoch would show. Ask for a package without canaries."


class CanariesNotPrinted(Invalid):
    code = "canaries_not_printed"
    says = "Order {order_id} holds canaries, which nobody prints."


class PinsNotOrdered(Conflict):
    code = "pins_not_ordered"
    says = "Order {order_id} has no PINs: whoever scans its codes is never asked for one."


class PackageNotReady(Conflict):
    code = "package_not_ready"
    says = "Package {package_id} is {state}; there is no file yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """`first` and `last` are rows of the order, counted from 1; `bytes_done` is of the content before sealing."""

    id: UUID
    order_id: UUID
    recipient: str
    content: Content
    format: Format
    first: int
    last: int
    printing: Printing
    canaries: int
    sealing: Sealing
    state: PackageState
    rows_done: int
    bytes_done: int
    file_name: str
    error: str
    downloads_max: int
    requested_by: str
    created_at: datetime

    @property
    def codes(self) -> int:
        return self.last - self.first + 1

    @property
    def rows(self) -> int:
        """Lines, pictures or labels of the file: codes and canaries."""
        return self.codes + self.canaries

    @property
    def finished(self) -> bool:
        return self.state in {PackageState.READY, PackageState.FAILED}


def request(
    session: Session,
    *,
    tenant_id: int,
    package_id: UUID,
    order_id: UUID,
    recipient: str,
    first: int = 1,
    last: int | None = None,
    content: Content = Content.CODES,
    design: FileDesign = LINES,
    canary_count: int | None = None,
    sealing: Sealing = Sealing.OPEN,
    printing: Printing = Printing.FIRST,
    downloads_max: int = DOWNLOADS_MAX,
    kek: bytes,
    now: datetime,
    actor: str,
) -> Package:
    """Gives rows of an order to a recipient. The caller makes the id, and asking twice is asking once; `package_making` writes the file."""
    order = orders.find(session, order_id, tenant_id=tenant_id)
    if content is Content.PINS and not order.proofs.pin:
        raise PinsNotOrdered(order_id=order_id)
    first, last = _packable(order, first=first, last=last)
    codes = last - first + 1
    design.check(content=content, codes=codes)
    marks.hold(session, order_id, tenant_id=tenant_id)
    given = recipients.find(session, tenant_id=tenant_id, name=recipient)
    count = canaries.usual(codes) if canary_count is None else canaries.checked(canary_count, codes=codes)
    origin = brands.load(session, tenant_id=tenant_id).scan_origin
    recipe = {**design.as_plain(), "origin": origin, "sealing": sealing.value}
    wanted = {
        "order_id": order_id,
        "recipient_id": given.id,
        "content": content.value,
        "first_counter": order.first_counter + first - 1,
        "last_counter": order.first_counter + last - 1,
        "reprint": printing is Printing.REPRINT,
        "canaries": count,
    }
    added = session.execute(
        insert(Row)
        .values(
            tenant_id=tenant_id,
            id=package_id,
            epoch=order.epoch,
            recipe=recipe,
            state=PackageState.QUEUED.value,
            file_name=f"{content}-{order.lot}-{str(order_id)[-12:]}-{first}-{last}.{design.suffix}",
            downloads_max=downloads_max,
            requested_by=actor,
            created_at=now,
            updated_at=now,
            **wanted,
        )
        .on_conflict_do_nothing()
        .returning(Row.id)
    ).first()
    row = session.get(Row, (tenant_id, package_id))
    if row is None:
        raise _already_given(session, order, wanted, tenant_id=tenant_id)
    if added is None:
        same = all(getattr(row, name) == value for name, value in wanted.items())
        if not same or FileDesign.from_plain(row.recipe) != design or row.recipe["sealing"] != sealing:
            raise PackageDiffers(package_id=package_id)
        return of_row(session, row)
    _prepare(session, row, order, kek=kek, now=now, actor=actor)
    session.flush()
    return of_row(session, row)


def retry(session: Session, *, tenant_id: int, package_id: UUID, now: datetime) -> Package:
    """Queues a failed package again, from its first row; its codes stay the recipient's. Another state stays as it is."""
    row = session.scalar(select(Row).where(Row.tenant_id == tenant_id, Row.id == package_id).with_for_update())
    if row is None:
        raise PackageUnknown(package_id=package_id)
    if row.state == PackageState.FAILED:
        row.state, row.error, row.updated_at = PackageState.QUEUED, "", now
    return of_row(session, row)


def find(session: Session, package_id: UUID, *, tenant_id: int) -> Package:
    return of_row(session, _row(session, package_id, tenant_id=tenant_id))


def of_order(session: Session, order_id: UUID, *, tenant_id: int) -> list[Package]:
    """The packages of one order, in the order of its rows."""
    rows = session.scalars(
        select(Row)
        .where(Row.tenant_id == tenant_id, Row.order_id == order_id)
        .order_by(Row.content, Row.first_counter, Row.created_at)
        .limit(PAGE_ROWS_MAX)
    )
    return [of_row(session, row) for row in rows]


def unfinished(session: Session, *, tenant_id: int, now: datetime, idle: timedelta = STUCK_AFTER) -> list[UUID]:
    """Packages that no step has moved for a while: their worker died, and any worker may go on."""
    return list(
        session.scalars(
            select(Row.id)
            .where(
                Row.tenant_id == tenant_id,
                Row.state.in_([PackageState.QUEUED, PackageState.RUNNING]),
                Row.updated_at <= now - idle,
            )
            .order_by(Row.created_at, Row.id)
            .limit(PAGE_ROWS_MAX)
        )
    )


def file_of(session: Session, package_id: UUID, *, tenant_id: int, objects_dir: Path) -> Path:
    """The finished file. Ask through `downloads`, which counts."""
    row = _ready(session, package_id, tenant_id=tenant_id)
    return package_contents.path(row, objects_dir)


def manifest_of(session: Session, package_id: UUID, *, tenant_id: int) -> bytes:
    """The signed manifest, to be sent another way than the file."""
    return _ready(session, package_id, tenant_id=tenant_id).manifest.encode()


def covering(session: Session, *, tenant_id: int, epoch: int, counter: int) -> list[Package]:
    """Whose packages hold this counter, as a code or as a canary; the first print before reprints."""
    order = orders.at(session, tenant_id=tenant_id, epoch=epoch, counter=counter)
    if order is None:
        return []
    rows = session.scalars(
        select(Row)
        .where(
            Row.tenant_id == tenant_id,
            Row.epoch == epoch,
            or_(
                (Row.order_id == order.id) & (Row.first_counter <= counter) & (Row.last_counter >= counter),
                Row.canary_order_id == order.id,
            ),
        )
        .order_by(Row.reprint, Row.created_at, Row.id)
    )
    return [of_row(session, row) for row in rows]


def _packable(order: CodeOrder, *, first: int, last: int | None) -> tuple[int, int]:
    if order.kind is Kind.CANARY:
        raise CanariesNotPrinted(order_id=order.id)
    orders.require_issued(order)
    first, last = checked_rows(first=first, last=last, quantity=order.quantity)
    kinds = [order.kind_of(order.first_counter + row - 1) for row in (first, last)]
    if kinds[0] is not kinds[1]:
        raise PartMixed(first=first, last=last, kinds=", ".join(_blocks(order)))
    return first, last


def _blocks(order: CodeOrder) -> list[str]:
    blocks = () if order.packaging is None else order.packaging.blocks
    return [f"{block.kind} {block.first + 1}..{block.last + 1}" for block in blocks]


def _already_given(session: Session, order: CodeOrder, wanted: Mapping[str, Any], *, tenant_id: int) -> PartGiven:
    row = session.scalars(
        select(Row)
        .where(
            Row.tenant_id == tenant_id,
            Row.order_id == order.id,
            Row.content == wanted["content"],
            ~Row.reprint,
            Row.first_counter <= wanted["last_counter"],
            Row.last_counter >= wanted["first_counter"],
        )
        .order_by(Row.first_counter)
    ).first()
    assert row is not None  # noqa: S101 - the conflict was with a committed row
    before = of_row(session, row)
    return PartGiven(first=before.first, last=before.last, recipient=before.recipient, package_id=before.id)


def _prepare(session: Session, row: Row, order: CodeOrder, *, kek: bytes, now: datetime, actor: str) -> None:
    """Canaries' counters, the mark and the lock: what stays the same for this recipient and these rows, whatever happens later."""
    if row.canaries:
        canary_order = orders.place(
            session,
            tenant_id=row.tenant_id,
            gtin=order.gtin or None,
            quantity=row.canaries,
            lot=order.lot,
            kind=Kind.CANARY,
            profile=order.profile,
            proofs=Proofs(signed=order.proofs.signed),
            request_id=package_contents.purpose(row),
            now=now,
            actor=actor,
        )
        if canary_order.epoch != order.epoch:
            raise CanariesShow(epoch=order.epoch)
        row.canary_order_id = canary_order.id
    cipher = keyring.cipher(session, tenant_id=row.tenant_id, epoch=row.epoch, kek=kek)
    if FileDesign.from_plain(row.recipe).has_marks:
        mark = marking.decided(session, order, cipher, tenant_id=row.tenant_id, origin=row.recipe["origin"], now=now, actor=actor)
        row.recipe = {**row.recipe, "mark": mark.spec.as_plain(), "mask": mark.mask}
    composer = package_contents.composer(session, row, order, cipher)
    package_locks.fit(session, row, cipher, fingerprint=composer.fingerprint, kek=kek)
    if row.recipe["sealing"] == Sealing.SEALED:
        row.file_name += ".sealed"


def _ready(session: Session, package_id: UUID, *, tenant_id: int) -> Row:
    row = _row(session, package_id, tenant_id=tenant_id)
    if row.state != PackageState.READY:
        raise PackageNotReady(package_id=package_id, state=row.state)
    return row


def _row(session: Session, package_id: UUID, *, tenant_id: int) -> Row:
    row = session.get(Row, (tenant_id, package_id))
    if row is None:
        raise PackageUnknown(package_id=package_id)
    return row


def of_row(session: Session, row: Row) -> Package:
    order = orders.find(session, row.order_id, tenant_id=row.tenant_id)
    recipient = session.get_one(PackageRecipient, (row.tenant_id, row.recipient_id))
    return Package(
        id=row.id,
        order_id=row.order_id,
        recipient=recipient.name,
        content=Content(row.content),
        format=FileDesign.from_plain(row.recipe).format,
        first=order.row_of(row.first_counter),
        last=order.row_of(row.last_counter),
        printing=Printing.REPRINT if row.reprint else Printing.FIRST,
        canaries=row.canaries,
        sealing=Sealing(row.recipe["sealing"]),
        state=PackageState(row.state),
        rows_done=package_contents.rows_of(row) if row.state == PackageState.READY else row.rows_done,
        bytes_done=row.bytes_done,
        file_name=row.file_name,
        error=row.error,
        downloads_max=row.downloads_max,
        requested_by=row.requested_by,
        created_at=row.created_at,
    )
