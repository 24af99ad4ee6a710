"""Names that pages give to the words of the domain, and the colour of each: states, kinds, profiles, verdicts."""

from codegen.explain import Finding
from codegen.kinds import Kind, Profile
from codegen.lifecycle.ranges import CodeState
from scanservice.verdicts import Verdict
from web.console.routes import blueprint
from web.wording import lazy

STATES = {
    CodeState.INACTIVE: lazy("Inactive"),
    CodeState.PRINTED: lazy("Printed"),
    CodeState.ACTIVE: lazy("Active"),
    CodeState.FROZEN: lazy("Frozen"),
    CodeState.UNFROZEN: lazy("Unfrozen"),
    CodeState.RECALLED: lazy("Recalled"),
    CodeState.VOID: lazy("Void"),
}
KINDS = {
    Kind.ITEM_OUTER: lazy("Item, outside"),
    Kind.ITEM_INNER: lazy("Item, inside"),
    Kind.CASE: lazy("Case"),
    Kind.PALLET: lazy("Pallet"),
    Kind.SPARE: lazy("Spare"),
    Kind.CANARY: lazy("Canary"),
}
PROFILES = {Profile.GS1: lazy("GS1 Digital Link"), Profile.SHORT: lazy("Short")}
VERDICTS = {
    Verdict.GENUINE_FIRST: lazy("Genuine, first scan"),
    Verdict.GENUINE_AGAIN: lazy("Genuine, same person again"),
    Verdict.GENUINE_SEEN: lazy("Genuine, seen by others"),
    Verdict.SUSPECT: lazy("Suspect"),
    Verdict.COUNTERFEIT: lazy("Counterfeit"),
    Verdict.INACTIVE: lazy("Not released"),
    Verdict.VOID: lazy("Void"),
    Verdict.RECALLED: lazy("Recalled"),
    Verdict.EXPIRED: lazy("Expired"),
    Verdict.CONSUMED: lazy("Used up"),
}
FINDINGS = {
    Finding.UNREADABLE: lazy("This is no code of ours"),
    Finding.EPOCH_UNKNOWN: lazy("Not one of this brand's codes"),
    Finding.FORGED: lazy("Not genuine"),
    Finding.NO_RANGE: lazy("Genuine signature, but nobody ordered it"),
    Finding.WRONG_GTIN: lazy("Genuine code under another product's address"),
    Finding.EPOCH_REVOKED: lazy("Made with a key that was given up"),
    Finding.PRINTED: lazy("Genuine and printed, not yet activated"),
    Finding.UNBOUND: lazy("Genuine and blank, not bound yet"),
    Finding.FROZEN: lazy("Genuine, held back for now"),
    Finding.INACTIVE: lazy("Genuine, not yet activated"),
    Finding.ACTIVE: lazy("Genuine and active"),
    Finding.RECALLED: lazy("Genuine, recalled"),
    Finding.VOID: lazy("Genuine, but void"),
}
MEANINGS = {
    Finding.UNREADABLE: lazy(
        "A code is 20 letters and digits, or an address that ends in them. Check for a missing or an extra character."
    ),
    Finding.EPOCH_UNKNOWN: lazy(
        "It names a key that this brand never opened. It belongs to another brand, or somebody invented it."
    ),
    Finding.FORGED: lazy(
        "The signature does not fit: a character was altered, somebody invented it, or it belongs to another brand."
    ),
    Finding.NO_RANGE: lazy(
        "It was made with this brand's key, yet no order holds it. Orders may have been lost in a restored backup, or the key leaked."
    ),
    Finding.WRONG_GTIN: lazy("The serial is genuine, but the address around it names a product that it was not ordered for."),
    Finding.EPOCH_REVOKED: lazy(
        "All codes of this key are void for ever, whoever made them. Consumers are told that it is not valid."
    ),
    Finding.PRINTED: lazy("Consumers who scan it are told that the product was not released for sale."),
    Finding.UNBOUND: lazy(
        "Nobody has said what product it stands on. Consumers are told that the product was not released for sale."
    ),
    Finding.FROZEN: lazy(
        "Consumers who scan it are told that the brand holds it back. Unfreeze its rows and it is again what it was."
    ),
    Finding.INACTIVE: lazy("Consumers who scan it are told that the product was not released for sale."),
    Finding.ACTIVE: lazy("Consumers who scan it are told that it is genuine, and can claim what campaigns offer."),
    Finding.RECALLED: lazy("Consumers who scan it are told that the product was recalled."),
    Finding.VOID: lazy("Consumers who scan it are told that it is not valid. Void is for ever."),
}
_TONES = {
    "active": "good",
    "frozen": "warn",
    "epoch_revoked": "bad",
    "recalled": "warn",
    "void": "bad",
    "genuine_first": "good",
    "genuine_again": "good",
    "genuine_seen": "good",
    "suspect": "warn",
    "counterfeit": "bad",
    "no_range": "warn",
    "wrong_gtin": "bad",
    "forged": "bad",
    "epoch_unknown": "bad",
    "running": "good",
    "ready": "good",
    "paused": "warn",
    "failed": "bad",
    "sent": "good",
}


@blueprint.app_template_filter("verdict_name")
def verdict_name(verdict: str) -> str:
    """A verdict that this page does not know yet is shown by its code."""
    return str(VERDICTS[Verdict(verdict)]) if verdict in set(Verdict) else verdict


@blueprint.app_template_filter("tone")
def tone(word: str) -> str:
    """good, warn, bad, or nothing: the class behind `state-`. States, verdicts and findings that share a word share its tone."""
    return _TONES.get(word, "")


@blueprint.context_processor
def _names() -> dict[str, object]:
    return {"state_names": STATES, "kind_names": KINDS, "profile_names": PROFILES}
