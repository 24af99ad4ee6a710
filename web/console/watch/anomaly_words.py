"""An anomaly in words: what it is, why it says what it says, what to do next.

Promises: names whoever had the list, and accuses nobody of more than the scans show: goods that were sold before their release look like
a leak, and the page says so first. Pure, apart from the language of the request.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scanservice.anomalies.anomalies import Anomaly, AnomalyState
from scanservice.anomalies.handling import Act
from scanservice.anomalies.suspects import Suspects
from scanservice.anomalies.suspicions import AnomalyKind
from web.wording import gettext as _
from web.wording import lazy

KINDS: Mapping[AnomalyKind, object] = {
    AnomalyKind.LEAK: lazy("Leaked list"),
    AnomalyKind.FORGERY: lazy("Forgery"),
    AnomalyKind.CLONE: lazy("Copied code"),
    AnomalyKind.DIVERSION: lazy("Diversion"),
    AnomalyKind.HARVEST: lazy("Harvesting"),
    AnomalyKind.DARK_CASE: lazy("Dark case"),
}
STATES: Mapping[AnomalyState, object] = {
    AnomalyState.NEW: lazy("New"),
    AnomalyState.SEEN: lazy("Seen"),
    AnomalyState.CLOSED: lazy("Closed"),
}
REASONS: Mapping[str, object] = {
    "canary": lazy("Canary: nobody ever prints it"),
    "inactive": lazy("Not released when it was scanned"),
    "void": lazy("Void when it was scanned"),
    "no_range": lazy("Genuine signature, ordered by nobody"),
    "bad_serial": lazy("Invented serial"),
    "wrong_gtin": lazy("Genuine serial under another product's address"),
}
ACTS: Mapping[Act, object] = {
    Act.SEEN: lazy("Seen"),
    Act.CLOSED: lazy("Closed"),
    Act.REOPENED: lazy("Opened again"),
    Act.NOTED: lazy("Note"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    title: str
    meaning: str
    steps: tuple[str, ...]


def title(anomaly: Anomaly, recipients: tuple[str, ...] = ()) -> str:
    """One line for lists; `recipients` make it name them."""
    if anomaly.kind is AnomalyKind.LEAK:
        if recipients:
            return _("Leak from the part of %(recipient)s", recipient=" / ".join(recipients))
        return _("Codes of lot %(lot)s got out", lot=anomaly.lot)
    if anomaly.epoch is not None:
        return _("Codes of key epoch %(epoch)s that nobody ordered", epoch=anomaly.epoch)
    if anomaly.block:
        return _("Invented codes from %(block)s", block=anomaly.block)
    return str(KINDS[anomaly.kind])


def tell(anomaly: Anomaly, suspects: Suspects) -> Told:
    if anomaly.kind is AnomalyKind.LEAK:
        return _leak(anomaly, suspects)
    meaning, steps = _forgery(anomaly) if anomaly.kind is AnomalyKind.FORGERY else ("", ())
    return Told(title=title(anomaly), meaning=meaning, steps=steps)


def _leak(anomaly: Anomaly, suspects: Suspects) -> Told:
    if "canary" in anomaly.reasons:
        meaning = _(
            "A canary was scanned. It stands in this recipient's list alone and is never printed, so somebody has copied the list."
        )
        steps: tuple[str, ...] = (
            _("Ask the recipient who had the file, and compare with the downloads below."),
            _("Void the rows of this part that are not on goods yet, and order new codes for them."),
            _("Give this recipient no further open files: seal them with a passphrase or key."),
        )
    elif "void" in anomaly.reasons and "inactive" not in anomaly.reasons:
        meaning = _(
            "Codes that were declared void are scanned. Either goods or labels with them were not destroyed, or the list got out."
        )
        steps = (
            _("Ask where the void goods and labels went."),
            _("Compare the places of the scans with where the lot was shipped."),
        )
    else:
        meaning = _(
            "Codes were scanned before anybody released them. Most often the goods were sold before their release; if they were not, labels or the list got out."
        )
        steps = (
            _(
                "Find out whether the goods are on sale. If they are, release their rows: buyers are told that their goods are not released."
            ),
            _("If they are not, ask whoever is named here where the labels and the file went."),
            _("Void rows that you no longer trust."),
        )
    if not suspects.packages and not suspects.exports:
        steps = (
            _(
                "No package and no prepared file of these rows is on record. Short files that were downloaded at once leave no trace: ask whoever ordered the codes."
            ),
            *steps,
        )
    return Told(title=title(anomaly, suspects.recipients), meaning=meaning, steps=steps)


def _forgery(anomaly: Anomaly) -> tuple[str, tuple[str, ...]]:
    if anomaly.epoch is not None:
        return (
            _(
                "The signature of these codes is right, and no order holds them. A restored backup may have lost its latest orders; if not, somebody has this brand's key."
            ),
            (
                _("Was the database restored from a backup? Then enter the lost orders again from their manifests."),
                _(
                    "If not, treat the key as stolen: open a new epoch, and revoke this one once its goods are sold or relabelled."
                ),
            ),
        )
    return (
        _(
            "One block of addresses asked for many codes that were never issued. Whoever guesses so learns nothing and gets no prize; past a limit they are refused and not recorded."
        ),
        (
            _("Nothing is at risk by guessing: a try succeeds once in 36 quadrillion."),
            _(
                "Do the same serials come back? Then they may be printed on fakes: look for reports of consumers and of shops there."
            ),
            _("If it does not end, block the addresses in front of this server."),
        ),
    )
