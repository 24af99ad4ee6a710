"""What a brand's records say of one code now, by its epoch and counter: for whoever acts on a code some time after its scan was judged.

Promises: the state is that of this transaction, so that a code voided a second ago is void here, whatever a ticket of before says. Opens
no key. Answers None for what nobody ordered.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from codegen import orders
from codegen.gtin import Gtin
from codegen.keys import keyring
from codegen.kinds import Kind
from codegen.lifecycle import bindings, ranges
from codegen.lifecycle.bindings import Scene
from codegen.lifecycle.ranges import CodeState, Decision
from codegen.orders import CodeOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """`gtin` is empty for a blank code that is bound to nothing; `scene` None: it was not bound, so that its use was never narrowed.

    `decisions`: those about this code, oldest first.
    """

    order: CodeOrder
    counter: int
    kind: Kind
    gtin: Gtin
    lot: str
    scene: Scene | None
    state: CodeState
    decisions: tuple[Decision, ...]
    epoch_revoked: bool


def of(session: Session, *, tenant_id: int, epoch: int, counter: int) -> CodeFacts | None:
    order = orders.at(session, tenant_id=tenant_id, epoch=epoch, counter=counter)
    if order is None:
        return None
    history = ranges.history(session, tenant_id=tenant_id, order_id=order.id)
    state, _ = ranges.derived((one.state, one.stretch) for one in history).at(counter)
    bound = None
    if order.blank:
        of_order = bindings.of_orders(session, tenant_id=tenant_id, order_ids=[order.id]).get(order.id, ())
        bound = bindings.at(of_order, counter)
    return CodeFacts(
        order=order,
        counter=counter,
        kind=order.kind_of(counter),
        gtin=order.gtin if bound is None else bound.gtin,
        lot=order.lot if bound is None else bound.lot,
        scene=None if bound is None else bound.scene,
        state=state,
        decisions=tuple(one for one in history if one.stretch.first <= counter <= one.stretch.last),
        epoch_revoked=any(
            one.number == epoch and one.state == "revoked" for one in keyring.entries(session, tenant_id=tenant_id)
        ),
    )
