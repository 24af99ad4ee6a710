"""Label sheets of an order for the brand's own printer: one PDF, without canaries and without a record of who had it.

Promises: the same symbols as in packages of the order, under the same mask. Refuses drafts, rows of several kinds at once, and what does not fit
the template. What goes to somebody else is a package (`codegen.print_packages`).
"""

import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from codegen import brands, marking, orders, products, url_signatures
from codegen.keys import keyring
from codegen.labels import library
from codegen.labels.pdf.sheets import LabelSheets
from codegen.labels.words import LabelWords
from codegen.lifecycle.ranges import checked_rows
from codegen.orders import CodeOrder
from codegen.print_packages.listed_codes import ListedCodes, Stretch, Wording
from kit.refusals import Invalid

Progress = Callable[[int], None]


class RowsOfSeveralKinds(Invalid):
    code = "rows_of_several_kinds"
    says = "Rows {first} to {last} are of several kinds, whose labels are printed apart."


def of_order(
    session: Session,
    order: CodeOrder,
    *,
    tenant_id: int,
    template: str,
    first: int = 1,
    last: int | None = None,
    kek: bytes,
    now: datetime,
    actor: str,
) -> LabelSheets:
    """Rows are counted from 1; without `last` to the end of the first row's kind."""
    orders.require_issued(order)
    first, last = _rows(order, first=first, last=last)
    cipher = keyring.cipher(session, tenant_id=tenant_id, epoch=order.epoch, kek=kek)
    origin = brands.load(session, tenant_id=tenant_id).scan_origin
    mark = marking.decided(session, order, cipher, tenant_id=tenant_id, origin=origin, now=now, actor=actor)
    kind = order.kind_of(order.first_counter + first - 1)
    wording = Wording(
        addresses=url_signatures.addresses_of(order, cipher, origin=origin), gtin=order.gtin, lot=order.lot, kind=kind
    )
    stretch = Stretch(first_counter=order.first_counter + first - 1, codes=last - first + 1)
    layout = library.find(session, tenant_id=tenant_id, name=template)
    product = products.find(session, tenant_id=tenant_id, gtin=order.gtin) if order.gtin else None
    return LabelSheets(
        ListedCodes(cipher, stretch=stretch, wording=wording),
        template=layout,
        press=marking.press_of(order, cipher, origin=origin, spec=mark.spec, mask=mark.mask),
        words=LabelWords(
            product="" if product is None else product.name_zh or product.name, gtin=order.gtin, lot=order.lot, kind=kind.value
        ),
        logo=library.logo_of(session, layout, tenant_id=tenant_id),
    )


def pieces(sheets: LabelSheets, *, progress: Progress) -> Iterator[bytes]:
    """The file from its first to its last byte; `progress` hears of rows as they are done."""
    head = sheets.head()
    yield head
    offset = len(head)
    with tempfile.TemporaryFile() as notes:
        for first in range(0, sheets.rows, sheets.rows_per_step):
            count = min(sheets.rows_per_step, sheets.rows - first)
            for piece in sheets.body(first, count, offset=offset):
                notes.write(piece.notes)
                offset += len(piece.content)
                yield piece.content
            progress(count)
        notes.seek(0)
        yield from sheets.tail(notes, offset=offset)


def _rows(order: CodeOrder, *, first: int, last: int | None) -> tuple[int, int]:
    if last is None and order.packaging is not None and 1 <= first <= order.quantity:
        last = order.packaging.block_of(first - 1).last + 1
    first, last = checked_rows(first=first, last=last, quantity=order.quantity)
    kinds = {order.kind_of(order.first_counter + row - 1) for row in (first, last)}
    if len(kinds) > 1:
        raise RowsOfSeveralKinds(first=first, last=last)
    return first, last
