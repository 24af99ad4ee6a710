"""Everything that is known of one code, typed or scanned, for consumer service, marketers and the command line.

Promises: an answer for any text, never a refusal: what it is not is part of the explanation. Forgives what people do to a code by hand
(case, I, L, O, spaces, hyphens, a whole URL). Says nothing of scans, which are another package's.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy.orm import Session

from codegen import cipher, orders, products, typed_codes
from codegen.cipher import SerialCipher
from codegen.gtin import Gtin
from codegen.keys import keyring
from codegen.kinds import Kind
from codegen.lifecycle import bindings, ranges
from codegen.lifecycle.bindings import Bound
from codegen.lifecycle.ranges import CodeState, Decision
from codegen.orders import CodeOrder
from codegen.products import Product
from codegen.typed_codes import TEXT_LENGTH_MAX
from kit.refusals import Malformed

_ON_THE_WAY = frozenset({CodeState.INACTIVE, CodeState.PRINTED, CodeState.ACTIVE})


class Finding(StrEnum):
    """The one thing to say first."""

    UNREADABLE = "unreadable"  # neither a serial nor a URL with one
    EPOCH_UNKNOWN = "epoch_unknown"  # no epoch of this brand: another brand's, or invented
    FORGED = "forged"  # the tag is wrong: altered, invented, or another brand's
    NO_RANGE = "no_range"  # ours, and nobody ordered it
    WRONG_GTIN = "wrong_gtin"  # ours, but the URL names another product
    EPOCH_REVOKED = "epoch_revoked"  # the key of its epoch was given up, and all codes with it
    INACTIVE = "inactive"
    PRINTED = "printed"
    FROZEN = "frozen"
    UNBOUND = "unbound"  # a blank code that nobody has bound to a product
    ACTIVE = "active"
    RECALLED = "recalled"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Another code of the same order, above, beside or below."""

    kind: Kind
    counter: int
    row: int
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What holds a code, from the nearest to the outermost, its twin on the same item, and the first and last of what it holds."""

    above: tuple[Relative, ...] = ()
    twin: Relative | None = None
    children: tuple[Relative, ...] = ()
    children_count: int = 0


NO_TREE = Tree()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`row` is the place in the order, counted from 1; `history` the decisions that cover this very code, oldest first."""

    typed: str
    finding: Finding
    problem: str = ""
    serial: str | None = None
    url_gtin: Gtin | None = None
    epoch: int | None = None
    counter: int | None = None
    order: CodeOrder | None = None
    row: int | None = None
    product: Product | None = None
    kind: Kind | None = None
    tree: Tree = NO_TREE
    bound: Bound | None = None
    state: CodeState | None = None
    history: tuple[Decision, ...] = ()


def explain(session: Session, *, tenant_id: int, text: str, kek: bytes) -> Explanation:
    try:
        serial, url_gtin = typed_codes.read(text)
    except Malformed as refused:
        return Explanation(typed=text[:TEXT_LENGTH_MAX], finding=Finding.UNREADABLE, problem=refused.code)
    known = Explanation(typed=text[:TEXT_LENGTH_MAX], finding=Finding.UNREADABLE, serial=serial, url_gtin=url_gtin)
    epoch = cipher.epoch_of(serial)
    if epoch is None:
        return replace(known, problem="not_a_serial")
    try:
        ours = keyring.find(session, tenant_id=tenant_id, epoch=epoch, kek=kek)
    except keyring.EpochUnknown:
        return replace(known, finding=Finding.EPOCH_UNKNOWN, epoch=epoch)
    counter = ours.cipher.counter_of(serial)
    if counter is None:
        return replace(known, finding=Finding.FORGED, epoch=epoch)
    order = orders.at(session, tenant_id=tenant_id, epoch=epoch, counter=counter)
    if order is None:
        finding = Finding.EPOCH_REVOKED if ours.revoked else Finding.NO_RANGE
        return replace(known, finding=finding, epoch=epoch, counter=counter)
    known = replace(known, epoch=epoch, counter=counter, kind=order.kind_of(counter), tree=tree_of(order, ours.cipher, counter))
    found = _ordered(session, known, order, tenant_id=tenant_id, counter=counter)
    return replace(found, finding=Finding.EPOCH_REVOKED) if ours.revoked and found.finding is not Finding.WRONG_GTIN else found


def tree_of(order: CodeOrder, serials: SerialCipher, n: int) -> Tree:
    """Pure: packaging is arithmetic."""

    def relative(counter: int) -> Relative:
        return Relative(
            kind=order.kind_of(counter), counter=counter, row=order.row_of(counter), serial=serials.serial_of(counter)
        )

    above = []
    parent = order.parent_of(n)
    while parent is not None:
        above.append(relative(parent))
        parent = order.parent_of(parent)
    twin = order.twin_of(n)
    inside = order.children_of(n)
    return Tree(
        above=tuple(above),
        twin=None if twin is None else relative(twin),
        children=tuple(relative(counter) for counter in sorted({*inside[:1], *inside[-1:]})),
        children_count=len(inside),
    )


def _ordered(session: Session, known: Explanation, order: CodeOrder, *, tenant_id: int, counter: int) -> Explanation:
    history = ranges.history(session, tenant_id=tenant_id, order_id=order.id)
    state, _ = ranges.derived((one.state, one.stretch) for one in history).at(counter)
    bound = bindings.at(bindings.of_orders(session, tenant_id=tenant_id, order_ids=[order.id]).get(order.id, ()), counter)
    gtin = order.gtin if bound is None else bound.gtin
    finding = Finding(state.value)
    if known.url_gtin not in {None, gtin}:
        finding = Finding.WRONG_GTIN
    elif not gtin and state in _ON_THE_WAY:
        finding = Finding.UNBOUND
    return replace(
        known,
        finding=finding,
        bound=bound,
        order=order,
        row=order.row_of(counter),
        product=products.find(session, tenant_id=tenant_id, gtin=gtin) if gtin else None,
        state=state,
        history=tuple(one for one in history if one.stretch.first <= counter <= one.stretch.last),
    )
