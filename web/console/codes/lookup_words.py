"""The reasons of verdicts as staff read them, each with its value; a reason that this page does not know yet is shown by its code."""

from datetime import datetime

from codegen.lifecycle.bindings import Scene
from web.console import desk
from web.console.routes import blueprint
from web.wording import instant, lazy

REASONS = {
    "nobody_before": lazy("nobody had scanned it before"),
    "first_confirmed_at": lazy("first scanned on %(value)s"),
    "mine_first_at": lazy("this visitor first scanned it on %(value)s"),
    "mine_last_at": lazy("this visitor last scanned it on %(value)s"),
    "household_last_at": lazy("somebody of the same household scanned it on %(value)s"),
    "strangers": lazy("other visitors before: %(value)s"),
    "staff_before": lazy("a shop or staff scanned it before"),
    "too_far_apart": lazy("scans too far apart for one item: %(value)s"),
    "together": lazy("scans in one place within hours, as when one item goes round: %(value)s"),
    "regions": lazy("regions: %(value)s"),
    "copies_odds_db": lazy("evidence of copies: %(value)s dB"),
    "pin_right_at": lazy("this visitor entered the right PIN on %(value)s"),
    "pin_right_at_home": lazy("somebody of the same household entered the right PIN on %(value)s"),
    "pin_right_elsewhere": lazy("another visitor entered the right PIN on %(value)s"),
    "reported_late_s": lazy("reported %(value)s seconds after it was read"),
    "clock_skew_s": lazy("the device's clock was corrected by %(value)s seconds"),
    "clock_stepped_back_s": lazy("a clock of ours stood %(value)s seconds back"),
    "trace_id": lazy("trace of whoever asked: %(value)s"),
    "outweighs": lazy("the PIN outweighs the copies"),
    "signature_right": lazy("the signature of the address was right"),
    "signature_wrong": lazy("the address was altered: its signature was wrong"),
    "consumed": lazy("its points were collected before"),
    "void": lazy("void: %(value)s"),
    "recalled": lazy("recalled: %(value)s"),
    "frozen": lazy("frozen"),
    "inactive": lazy("not activated"),
    "no_range": lazy("nobody ordered it"),
    "wrong_gtin": lazy("under the address of another product"),
    "bad_serial": lazy("the serial was never made here"),
    "unbound": lazy("bound to no product"),
    "epoch_revoked": lazy("its key was revoked"),
}
# Endings of reasons whose value is a time.
_TIMES = ("_at", "pin_right_at_home", "pin_right_elsewhere")
SCENES = {Scene.VERIFY: lazy("Check"), Scene.REWARD: lazy("Reward"), Scene.TRACE: lazy("Trace")}


@blueprint.app_template_filter("reason_said")
def reason_said(code: str, value: str | int | None) -> str:
    words = REASONS.get(code)
    if words is None:
        return code if value is None else f"{code}: {value}"
    return str(words) % {"value": _when(value) if code.endswith(_TIMES) else "–" if value is None else value}


def _when(value: str | int | None) -> str:
    try:
        return instant(datetime.fromisoformat(str(value)), timezone=desk.brand().timezone)
    except ValueError:
        return str(value)


@blueprint.context_processor
def _names() -> dict[str, object]:
    return {"scene_names": SCENES}
