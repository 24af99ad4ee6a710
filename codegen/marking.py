"""The press of an order: what draws its marks, with the mask that the whole order has.

Promises: whoever draws a code of an order, for a page, a file or a package, draws the same symbol; the mask is decided by a sample of the order's first
codes when the first of them is drawn, and written down.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from codegen import marks, url_signatures
from codegen.cipher import SerialCipher
from codegen.marks import Mark
from codegen.orders import CodeOrder
from codegen.print_packages.listed_codes import Listed, ListedCodes, Stretch, Wording
from codegen.symbology.affine_symbols import SAMPLE
from codegen.symbology.mark_presses import MarkPress
from codegen.symbology.mark_specs import MarkSpec


def press_of(order: CodeOrder, cipher: SerialCipher, *, origin: str, spec: MarkSpec, mask: int | None) -> MarkPress:
    """For marks that are to look like `spec`. `mask` None, where the order has one: the first symbols that are drawn decide."""
    addresses = url_signatures.addresses_of(order, cipher, origin=origin)
    return MarkPress(spec, addresses=addresses, gtin=order.gtin, mask=mask)


def decided(
    session: Session, order: CodeOrder, cipher: SerialCipher, *, tenant_id: int, origin: str, now: datetime, actor: str
) -> Mark:
    """The order's mark with its mask, which is decided now if it was not before. Holds the order until the transaction ends."""
    marks.hold(session, order.id, tenant_id=tenant_id)
    mark = marks.of_order(session, order.id, tenant_id=tenant_id)
    if mark.mask is not None:
        return mark
    press = press_of(order, cipher, origin=origin, spec=mark.spec, mask=None)
    mask = press.decided(listed(order, cipher, origin=origin, first=1, count=min(SAMPLE, order.quantity)).texts)
    if mask is None:
        return mark
    return marks.decide(session, mask, tenant_id=tenant_id, order_id=order.id, now=now, actor=actor)


def listed(order: CodeOrder, cipher: SerialCipher, *, origin: str, first: int, count: int) -> Listed:
    """Rows of the order itself, counted from 1, without canaries."""
    wording = Wording(
        addresses=url_signatures.addresses_of(order, cipher, origin=origin), gtin=order.gtin, lot=order.lot, kind=order.kind
    )
    codes = ListedCodes(cipher, stretch=Stretch(first_counter=order.first_counter, codes=order.quantity), wording=wording)
    return codes.part(first - 1, count)
