"""A verdict in words: one word, one sentence that says who was there before, and what to do next.

Promises: people are told who scanned (you, your household, a shop, others) and when, never a bare count; nothing frightening is said
that a confirmed page would take back; where goods may be sold is never mentioned. Pure, apart from the language of the request.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from scanservice.verdicts import Reason, Standing, Verdict
from web import wording
from web.wording import gettext as _


class Tone(StrEnum):
    """The colour of the page; each has dark text on a light ground."""

    GOOD = "good"
    CALM = "calm"
    CARE = "care"
    BAD = "bad"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`first_line` is shown once the check is confirmed, behind `line`. `steps` is what to do next, in order."""

    tone: Tone
    icon: str
    word: str
    line: str
    first_line: str = ""
    steps: tuple[str, ...] = ()


Values = Mapping[str, str | int | None]


def tell(verdict: Verdict | None, reasons: tuple[Reason, ...], *, now: datetime, zone: ZoneInfo) -> Told:
    """`now` and `zone` decide what is called today."""
    if verdict is None:
        return _preview()
    values = {reason.code: reason.value for reason in reasons}
    when = _Calendar(now=now, zone=zone)
    return _TELLERS[verdict](values, when)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calendar:
    now: datetime
    zone: ZoneInfo

    def say(self, value: str | int | None) -> str:
        """An instant of a reason as people say it: today with its time, else the day."""
        at = datetime.fromisoformat(str(value)).astimezone(self.zone)
        if at.date() == self.now.astimezone(self.zone).date():
            return _("today at %(time)s", time=f"{at:%H:%M}")
        return _("on %(day)s", day=wording.day(at, timezone=self.zone.key))


def _run_on(sentences: Iterable[str]) -> str:
    """Sentences one after the other: Chinese has no space between them."""
    return ("" if wording.language() == "zh" else " ").join(sentences)


def _preview() -> Told:
    return Told(
        tone=Tone.OFF,
        icon="phone",
        word=_("Not checked yet"),
        line=_("This is only a preview of the link. Nothing was checked, and no first check was used up."),
        steps=(
            _("Open this page in your phone's browser."),
            _("Or scan the code on the product with your camera."),
        ),
    )


def _genuine_first(_values: Values, _when: _Calendar) -> Told:
    return Told(
        tone=Tone.GOOD,
        icon="genuine",
        word=_("Genuine"),
        line=_("No earlier check of this item is on record."),
        first_line=_("You are the first to check it."),
    )


def _genuine_again(values: Values, when: _Calendar) -> Told:
    if "pin_right_at" in values:
        return Told(tone=Tone.GOOD, icon="genuine", word=_("Genuine"), line=_in_your_hands(values, when))
    return Told(tone=Tone.GOOD, icon="again", word=_("Genuine"), line=_again(values, when))


def _in_your_hands(values: Values, when: _Calendar) -> str:
    said = [_("You entered the right PIN %(when)s: the genuine item is in your hands.", when=when.say(values["pin_right_at"]))]
    if values.get("outweighs") == Verdict.SUSPECT.value:
        said.append(_("Copies of its code are going round elsewhere. Yours is the real one."))
    elif "strangers" in values:
        said.append(_("Other people have checked it too, as happens with gifts and in shops."))
    return _run_on(said)


def _pin_of_others(values: Values, when: _Calendar) -> list[str]:
    """What people without the PIN are told of those who had it."""
    if "pin_right_at_home" in values:
        return [_("Someone in your household entered the right PIN %(when)s.", when=when.say(values["pin_right_at_home"]))]
    if "pin_right_elsewhere" in values:
        return [_("Someone who holds the item entered its PIN %(when)s.", when=when.say(values["pin_right_elsewhere"]))]
    return []


def _pin_steps() -> tuple[str, ...]:
    return (
        _(
            "Is the scratch-off layer of your item still whole? Scratch it and enter the PIN below: if it is right, yours is the real one."
        ),
        _(
            "Was it scratched off before you got it, or is there none? Then yours may be a copy: ask the shop where you bought it."
        ),
    )


def _again(values: Values, when: _Calendar) -> str:
    said = _pin_of_others(values, when)
    if "mine_last_at" in values:
        said.append(_("You checked this item before, last %(when)s.", when=when.say(values["mine_last_at"])))
        if "household_last_at" in values:
            said.append(_("Someone in your household did too."))
    elif "household_last_at" in values:
        said.append(
            _(
                "Someone in your household, on the same network, checked this item %(when)s.",
                when=when.say(values["household_last_at"]),
            )
        )
    if "staff_before" in values:
        said.append(_("A shop or warehouse scanned it as well, which is usual."))
    elif "strangers" in values:
        said.append(_("Other people have checked it too, as happens with gifts and in shops."))
    return _run_on(said)


def _genuine_seen(values: Values, when: _Calendar) -> Told:
    said = _pin_of_others(values, when)
    if "staff_before" in values:
        said.append(_("A shop or warehouse scanned this item before you, which is usual."))
    if "strangers" in values:
        first = when.say(values["first_confirmed_at"]) if "first_confirmed_at" in values else ""
        if values["strangers"] == 1:
            said.append(_("Someone else checked this item before you, %(when)s.", when=first))
        else:
            said.append(_("A few other people checked this item before you, the first %(when)s.", when=first))
    steps: tuple[str, ...] = ()
    if "strangers" in values:
        steps = (
            _("Was it a gift, second-hand, or tried in the shop? Then this is to be expected."),
            _("Did you break the seal yourself and still others were before you? Then ask the shop where you bought it."),
        )
    if "pin_right_elsewhere" in values:
        steps = _pin_steps()
    return Told(tone=Tone.CALM, icon="people", word=_("Genuine, checked before"), line=_run_on(said), steps=steps)


def _suspect(values: Values, when: _Calendar) -> Told:
    said = _pin_of_others(values, when)
    if "first_confirmed_at" in values:
        said.append(
            _(
                "The code is ours, but several people who have nothing to do with each other have checked it, the first %(when)s.",
                when=when.say(values["first_confirmed_at"]),
            )
        )
    else:
        said.append(_("The code is ours, but several people who have nothing to do with each other have checked it."))
    if "too_far_apart" in values:
        said.append(_("Some of them were too far apart for one item to travel between."))
    if "mine_first_at" in values:
        said.append(_("You first checked it %(when)s.", when=when.say(values["mine_first_at"])))
    said.append(_("Copies of this code may be going round."))
    return Told(
        tone=Tone.CARE,
        icon="care",
        word=_("Please take a closer look"),
        line=_run_on(said),
        steps=(
            _("Yours may well be the real one. Compare packaging, lot number and seal with what you see below."),
            _(
                "If something does not match, do not use the product. Keep it and the receipt, and ask the shop where you bought it."
            ),
            _("Tell the brand, by the contact printed on the package."),
        ),
    )


def _counterfeit(values: Values, _when: _Calendar) -> Told:
    if Standing.WRONG_GTIN.value in values:
        line = _("This code belongs to another product than the one its address names.")
    else:
        line = _("This code was never issued by the brand.")
    return Told(
        tone=Tone.BAD,
        icon="bad",
        word=_("Not a genuine code"),
        line=line,
        steps=(
            _("Did you type the code? Compare each character with the label and try again; one wrong character is enough."),
            _("Did you scan it? Then do not use the product. Keep it and the receipt."),
            _("Ask the shop for your money back, and tell the brand. Consumer protection helps too (in China: 12315)."),
        ),
    )


def _inactive(values: Values, _when: _Calendar) -> Told:
    if Standing.NO_RANGE.value in values:
        return Told(
            tone=Tone.OFF,
            icon="question",
            word=_("No record found"),
            line=_(
                "The code looks like one of ours, but we have no record of the goods it belongs to. That may be our own mistake."
            ),
            steps=(
                _("Please scan again later today."),
                _("If it stays like this, ask the shop where you bought it, or the brand."),
            ),
        )
    if Standing.FROZEN.value in values:
        return Told(
            tone=Tone.OFF,
            icon="clock",
            word=_("Held back by the brand"),
            line=_("The code is ours, and the brand is checking the goods it belongs to. It does not mean that they are fake."),
            steps=(
                _("Please do not use the product until the check is over, and scan again tomorrow."),
                _("If it stays like this, ask the shop where you bought it, or the brand."),
            ),
        )
    return Told(
        tone=Tone.OFF,
        icon="clock",
        word=_("Not released yet"),
        line=_("The code is ours, but its goods have not been released for sale."),
        steps=(
            _("Just bought it? The release may be running late: please scan again later today."),
            _("If it stays like this, ask the shop where you bought it, or the brand."),
        ),
    )


def _void(_values: Values, _when: _Calendar) -> Told:
    # Why a code was voided is a note among staff; only a recall is explained to buyers.
    return Told(
        tone=Tone.BAD,
        icon="void",
        word=_("Code withdrawn"),
        line=_("The brand has declared this code void. No product with it should be on sale."),
        steps=(
            _("Do not use the product. Keep it and the receipt."),
            _("Ask the shop where you bought it, and tell the brand."),
        ),
    )


def _recalled(values: Values, _when: _Calendar) -> Told:
    reason = values.get(Standing.RECALLED.value)
    said = [_("This is a genuine product that the brand has called back.")]
    if reason:
        said.append(_("The brand says: %(reason)s", reason=reason))
    return Told(
        tone=Tone.BAD,
        icon="recall",
        word=_("Recalled: do not use"),
        line=_run_on(said),
        steps=(
            _("Stop using the product and keep it away from children."),
            _("Take it back to the shop where you bought it, or ask the brand what to do."),
        ),
    )


def _expired(_values: Values, _when: _Calendar) -> Told:
    return Told(
        tone=Tone.CARE,
        icon="calendar",
        word=_("Past its date"),
        line=_("This is a genuine product, but its date of use has passed."),
        steps=(_("Do not eat, drink or apply it. Ask the shop if you have only just bought it."),),
    )


def _consumed(values: Values, when: _Calendar) -> Told:
    first = values.get("first_confirmed_at")
    return Told(
        tone=Tone.CALM,
        icon="used",
        word=_("Already redeemed"),
        line=_("This inner code was redeemed before; it was first checked %(when)s.", when=when.say(first))
        if first
        else _("This inner code was redeemed before."),
        steps=(_("Did you redeem it yourself? Then everything is in order. If not, ask the shop where you bought it."),),
    )


_TELLERS: Mapping[Verdict, Callable[[Values, _Calendar], Told]] = {
    Verdict.GENUINE_FIRST: _genuine_first,
    Verdict.GENUINE_AGAIN: _genuine_again,
    Verdict.GENUINE_SEEN: _genuine_seen,
    Verdict.SUSPECT: _suspect,
    Verdict.COUNTERFEIT: _counterfeit,
    Verdict.INACTIVE: _inactive,
    Verdict.VOID: _void,
    Verdict.RECALLED: _recalled,
    Verdict.EXPIRED: _expired,
    Verdict.CONSUMED: _consumed,
}
