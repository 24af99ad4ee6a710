"""Words of the pages about orders: stages of life, tabs, and for each decision what it is called, what it means, and how it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codegen.lifecycle.order_life import Life
from codegen.lifecycle.ranges import CodeState
from codegen.orders import CodeOrder
from web.console.routes import blueprint
from web.wording import gettext as _
from web.wording import lazy, number

LIVES = {
    Life.DRAFT: lazy("Draft"),
    Life.ISSUED: lazy("Issued"),
    Life.PRINTED: lazy("Printed"),
    Life.ACTIVE: lazy("Active"),
    Life.CLOSED: lazy("Closed"),
}
TABS = (
    ("console.orders_one", lazy("Overview")),
    ("console.packages_of_order", lazy("Packages")),
    ("console.orders_history", lazy("History")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`meaning` is what happens to codes and to who scans them; `for_ever` decisions are confirmed by typing the lot."""

    name: Any
    button: Any
    meaning: Any
    reason_help: Any
    for_ever: bool = False
    needs_reason: bool = False


DEEDS: Mapping[CodeState, Deed] = {
    CodeState.PRINTED: Deed(
        name=lazy("Mark as printed"),
        button=lazy("These codes are printed"),
        meaning=lazy(
            "A note for the desk: scans still say 'not released', and staff are warned of every scan before the release."
        ),
        reason_help=lazy("For example the printer's delivery note."),
    ),
    CodeState.ACTIVE: Deed(
        name=lazy("Activate"),
        button=lazy("Activate these codes"),
        meaning=lazy("Active codes answer 'genuine' and can earn what campaigns offer. Best when the goods leave the plant."),
        reason_help=lazy("Kept in the history, for example a delivery note."),
    ),
    CodeState.FROZEN: Deed(
        name=lazy("Freeze"),
        button=lazy("Freeze these codes"),
        meaning=lazy("Scans say that the brand holds the goods back, and nothing can be claimed, until you unfreeze them."),
        reason_help=lazy("Only staff read it, for example: stolen truck, quality check."),
        needs_reason=True,
    ),
    CodeState.UNFROZEN: Deed(
        name=lazy("Unfreeze"),
        button=lazy("Unfreeze these codes"),
        meaning=lazy("The codes are again what they were before the freeze, or what was decided about them meanwhile."),
        reason_help=lazy("Kept in the history."),
    ),
    CodeState.RECALLED: Deed(
        name=lazy("Recall"),
        button=lazy("Recall these goods"),
        meaning=lazy("Whoever scans one of them is told to stop using the product. This cannot be undone."),
        reason_help=lazy("Buyers read this sentence below the recall: say what is wrong and what to do."),
        for_ever=True,
        needs_reason=True,
    ),
    CodeState.VOID: Deed(
        name=lazy("Void codes"),
        button=lazy("Void these codes"),
        meaning=lazy(
            "For codes that must never be valid again: misprinted, stolen, destroyed. Scans say 'Code withdrawn'. This cannot be undone."
        ),
        reason_help=lazy("For example: misprinted, stolen, destroyed."),
        for_ever=True,
        needs_reason=True,
    ),
}


def rows_of(order: CodeOrder) -> str:
    """Below a field for rows: a placeholder would look like what somebody has typed."""
    return _("The rows of this order: 1 to %(last)s.", last=number(order.quantity))


@blueprint.context_processor
def _names() -> dict[str, object]:
    return {"life_names": LIVES, "deed_words": DEEDS, "order_tabs": TABS}
