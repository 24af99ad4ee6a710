"""How a typed or scanned code was read, step by step, each with what it says or what is wrong with it.

Promises: a step for everything that was looked at, in the order in which it was; what another brand owns is never told, only that it is not
this brand's. Pure but for the words, which are in the reader's language.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from codegen import typed_codes
from codegen.cipher import SERIAL_LENGTH
from codegen.explain import Explanation, Finding
from codegen.keys.keyring import EpochEntry
from codegen.lifecycle.ranges import CodeState
from codegen.typed_codes import Note, Reading, Shape
from kit.refusals import Refusal
from web import wording
from web.wording import gettext as _
from web.wording import lazy, number

_SHAPES = {
    Shape.SERIAL: lazy("A serial alone"),
    Shape.DIGITAL_LINK: lazy("A GS1 Digital Link: product and serial"),
    Shape.SHORT: lazy("A short address: the serial behind the brand's host"),
    Shape.ELEMENTS: lazy("GS1 elements, as a reader of DataMatrix gives them: product and serial"),
}
_NOTES = {
    Note.CASE: lazy("small letters were read as capitals"),
    Note.LOOKALIKES: lazy("I and L were read as 1, O as 0"),
    Note.SEPARATORS: lazy("spaces and hyphens were passed over"),
}


class Outcome(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    outcome: Outcome
    title: str
    said: str
    code: str = ""


def of_refusal(text: str, refusal: Refusal) -> list[Step]:
    """A text in which no serial was found."""
    return [Step(outcome=Outcome.BAD, title=_("Reading"), said=wording.explained(refusal), code=text)]


def of(found: Explanation, reading: Reading, *, products: Mapping[str, str], epochs: Collection[EpochEntry]) -> list[Step]:
    """`products` are the brand's, by GTIN."""
    steps = [_read(reading)]
    if reading.gtin is not None:
        steps.append(_product(reading.gtin, found, products))
    form = _form(reading, products)
    steps.append(form)
    if form.outcome is Outcome.BAD:
        return steps
    steps.append(_epoch(found, epochs))
    steps.append(_signature(found))
    if found.counter is not None:
        steps.append(_order(found))
    if found.order is not None and found.order.blank:
        steps.append(_bound(found))
    if found.state is not None:
        steps.append(_state(found))
    return steps


def _read(reading: Reading) -> Step:
    said = [str(_SHAPES[reading.shape])]
    if Note.SCHEME in reading.notes:
        said.append(_("it begins with %(scheme)s, where our labels say https: no phone opens that", scheme=f"{reading.scheme}:"))
    said += [str(words) for note, words in _NOTES.items() if note in reading.notes]
    outcome = Outcome.WARN if Note.SCHEME in reading.notes else Outcome.GOOD
    shown = reading.serial if reading.notes - {Note.SCHEME} else reading.typed
    return Step(outcome=outcome, title=_("Reading"), said="; ".join(said), code=shown)


def _product(gtin: str, found: Explanation, products: Mapping[str, str]) -> Step:
    if gtin not in products:
        said = _(
            "The check digit is right, but it is no product of this brand. Whose it is can be asked of GS1 (Verified by GS1)."
        )
        return Step(outcome=Outcome.BAD, title=_("Product in the address"), said=said, code=gtin)
    if found.finding is Finding.WRONG_GTIN:
        said = _("%(product)s, but the serial was ordered for another product.", product=products[gtin])
        return Step(outcome=Outcome.BAD, title=_("Product in the address"), said=said, code=gtin)
    return Step(outcome=Outcome.GOOD, title=_("Product in the address"), said=products[gtin], code=gtin)


def _form(reading: Reading, products: Mapping[str, str]) -> Step:
    """Is it twenty letters of our alphabet? Says what is not."""
    title = _("Form of the serial")
    serial = reading.serial
    trade = typed_codes.trade_item(reading.typed)
    if trade is not None:
        name = products.get(trade, _("no product of this brand"))
        said = _(
            "This is a product's barcode (%(name)s): it is the same on all items. Scan the code that is different on each.",
            name=name,
        )
        return Step(outcome=Outcome.BAD, title=title, said=said, code=trade)
    foreign = typed_codes.foreign_letters(serial)
    missing = typed_codes.missing(serial)
    faults = []
    if missing > 0:
        faults.append(
            _(
                "%(there)s characters, a serial has %(whole)s: %(missing)s are missing",
                there=number(len(serial)),
                whole=SERIAL_LENGTH,
                missing=number(missing),
            )
        )
    elif missing < 0:
        faults.append(
            _(
                "%(there)s characters, a serial has %(whole)s: %(more)s too many",
                there=number(len(serial)),
                whole=SERIAL_LENGTH,
                more=number(-missing),
            )
        )
    if foreign:
        faults.append(_("no serial of ours has %(letters)s", letters=" ".join(foreign[:SERIAL_LENGTH])))
    if faults:
        if reading.shape is Shape.DIGITAL_LINK and reading.gtin not in products:
            faults.append(_("it is a serial of somebody else's"))
        return Step(outcome=Outcome.BAD, title=title, said="; ".join(faults), code=serial)
    said = _("%(whole)s characters of the 32 that serials are made of", whole=SERIAL_LENGTH)
    return Step(
        outcome=Outcome.GOOD, title=title, said=said, code=" ".join(serial[at : at + 4] for at in range(0, SERIAL_LENGTH, 4))
    )


def _epoch(found: Explanation, epochs: Collection[EpochEntry]) -> Step:
    title = _("Key epoch")
    if found.epoch is None:
        return Step(outcome=Outcome.BAD, title=title, said=_("It is of a format that does not exist yet."))
    entry = next((one for one in epochs if one.number == found.epoch), None)
    shown = str(found.epoch)
    if entry is None:
        said = _("This brand never opened this epoch: the code is another brand's, or invented.")
        return Step(outcome=Outcome.BAD, title=title, said=said, code=shown)
    if entry.state == "revoked":
        return Step(outcome=Outcome.BAD, title=title, said=_("Revoked: none of its codes is valid any more."), code=shown)
    return Step(outcome=Outcome.GOOD, title=title, said=_("One of this brand's keys."), code=shown)


def _signature(found: Explanation) -> Step:
    title = _("Signature in the serial")
    if found.finding is Finding.EPOCH_UNKNOWN or found.epoch is None:
        return Step(outcome=Outcome.SKIPPED, title=title, said=_("Not looked at: there is no key to check it with."))
    if found.counter is None:
        said = _("It does not fit: a character was altered, somebody invented the code, or it is another brand's.")
        return Step(outcome=Outcome.BAD, title=title, said=said)
    said = _("It fits: this brand's key made it, as code number")
    return Step(outcome=Outcome.GOOD, title=title, said=said, code=number(found.counter))


def _order(found: Explanation) -> Step:
    title = _("Order")
    if found.order is None or found.row is None:
        said = _("Nobody ordered it. An order may have been lost in a restored backup, or the key leaked.")
        return Step(outcome=Outcome.WARN, title=title, said=said)
    said = _(
        "Row %(row)s of %(rows)s, ordered by %(who)s, lot",
        row=number(found.row),
        rows=number(found.order.quantity),
        who=found.order.ordered_by,
    )
    return Step(outcome=Outcome.GOOD, title=title, said=said, code=found.order.lot)


def _bound(found: Explanation) -> Step:
    title = _("Bound to a product")
    if found.bound is None:
        return Step(outcome=Outcome.WARN, title=title, said=_("Not yet: nobody has said what the label stands on."))
    said = _("By %(who)s, lot %(lot)s", who=found.bound.stretch.decided_by, lot=found.bound.lot)
    return Step(outcome=Outcome.GOOD, title=title, said=said, code=found.bound.gtin)


def _state(found: Explanation) -> Step:
    outcome = {CodeState.ACTIVE: Outcome.GOOD, CodeState.VOID: Outcome.BAD}.get(found.state or CodeState.INACTIVE, Outcome.WARN)
    decided = next((one for one in reversed(found.history) if one.state is found.state), None)
    if decided is None:
        said = _("Nothing was decided about it yet.")
    elif decided.stretch.reason:
        said = _("Decided by %(who)s: %(why)s", who=decided.stretch.decided_by, why=decided.stretch.reason)
    else:
        said = _("Decided by %(who)s", who=decided.stretch.decided_by)
    return Step(outcome=outcome, title=_("State"), said=said, code=(found.state or CodeState.INACTIVE).value)
