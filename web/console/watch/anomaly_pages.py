"""Anomalies in the console: the list with filters, one of them explained, closing it with a reason and opening it again.

Promises: opening a page marks an anomaly as seen, once; forms sent twice act once; nothing of this is in the distributors' portal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField, SubmitField, TextAreaField
from wtforms.validators import Length

from codegen import orders
from codegen.keys import keyring
from kit.refusals import Malformed
from scanservice import queries
from scanservice.anomalies import anomalies, handling, suspects
from scanservice.anomalies.anomalies import OPEN, Anomaly, AnomalyState, CodeScans
from scanservice.anomalies.handling import WORDS_LENGTH_MAX
from scanservice.anomalies.suspicions import AnomalyKind
from supplychain import distributors, shipments
from supplychain.shipments import LotShipment
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk
from web.console.codes.orders import product_names
from web.console.forms import DeskForm, blaming, needed
from web.console.routes import blueprint
from web.console.watch import anomaly_words
from web.signed_in import admits
from web.wording import lazy

# What finds something today; kinds without a finder are no choice.
FOUND_KINDS = (AnomalyKind.LEAK, AnomalyKind.FORGERY)
SHOWN = {
    "open": lazy("Not closed"),
    "new": lazy("New"),
    "closed": lazy("Closed"),
    "all": lazy("All"),
}
_STATES = {"open": OPEN, "new": (AnomalyState.NEW,), "closed": (AnomalyState.CLOSED,), "all": ()}
DAYS = (1, 7, 30, 90)
PLACES_SHOWN_MAX = 20
CODES_SHOWN_MAX = 50


class NoteIdMalformed(Malformed):
    code = "note_id_malformed"
    says = "This form is damaged. Load the page again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """An anomaly as the page of a code lists it."""

    anomaly: Anomaly
    title: str
    scans: int


class WordsForm(DeskForm):
    """Why an anomaly is closed or opened again, or a note about it. `note_id` comes with the page: sent twice it is one note."""

    words = TextAreaField(lazy("In your words"), [needed(), Length(max=WORDS_LENGTH_MAX)], render_kw={"rows": 3})
    note_id = HiddenField()
    note = SubmitField(lazy("Add a note"))
    close = SubmitField(lazy("Close"))
    reopen = SubmitField(lazy("Open again"))


@blueprint.get("/anomalies", endpoint="anomalies")
@admits(*CONSOLE_ROLES)
def anomalies_list() -> str:
    kind = request.args.get("kind", "")
    state = request.args.get("state", "open")
    days = request.args.get("days", "")
    chosen = {
        "kind": kind if kind in set(FOUND_KINDS) else "",
        "state": state if state in SHOWN else "open",
        "days": days if days in {str(one) for one in DAYS} else "",
    }
    page = anomalies.page(
        db(),
        tenant_id=desk.tenant_id(),
        kind=AnomalyKind(chosen["kind"]) if chosen["kind"] else None,
        states=_STATES[chosen["state"]],
        since=_since(chosen["days"]),
        cursor=request.args.get("after"),
    )
    return render_template(
        "console/watch/anomalies.html",
        page=page,
        titles={one.id: titled(one) for one in page.anomalies},
        chosen=chosen,
        kinds={found: anomaly_words.KINDS[found] for found in FOUND_KINDS},
        shown=SHOWN,
        days=DAYS,
        is_first="after" not in request.args,
        kind_names_of=anomaly_words.KINDS,
        states_of=anomaly_words.STATES,
    )


@blueprint.get("/anomalies/<uuid:anomaly_id>", endpoint="anomalies_one")
@admits(*CONSOLE_ROLES)
def anomalies_one(anomaly_id: UUID) -> str:
    handling.see(db(), anomaly_id, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor())
    return _page(anomaly_id, WordsForm(data={"note_id": str(desk.new_id())}))


@blueprint.post("/anomalies/<uuid:anomaly_id>")
@admits(*CONSOLE_ROLES)
def anomalies_act(anomaly_id: UUID) -> Response | tuple[str, int]:
    anomalies.find(db(), anomaly_id, tenant_id=desk.tenant_id())
    form = WordsForm()
    if form.validate_on_submit():
        with blaming(form, {}, otherwise="words"):
            _act(anomaly_id, form)
    if form.errors:
        return _page(anomaly_id, form), 422
    return redirect(url_for("console.anomalies_one", anomaly_id=anomaly_id, _anchor="history"))


def _act(anomaly_id: UUID, form: WordsForm) -> None:
    tenant_id, now, actor = desk.tenant_id(), desk.now(), desk.actor()
    if form.close.data:
        handling.close(db(), anomaly_id, tenant_id=tenant_id, reason=form.words.data, now=now, actor=actor)
    elif form.reopen.data:
        handling.reopen(db(), anomaly_id, tenant_id=tenant_id, reason=form.words.data, now=now, actor=actor)
    else:
        note_id = _note_id(form.note_id.data)
        handling.note(db(), anomaly_id, note_id=note_id, tenant_id=tenant_id, words=form.words.data, now=now, actor=actor)


def _note_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NoteIdMalformed from error


def _page(anomaly_id: UUID, form: WordsForm) -> str:
    tenant_id = desk.tenant_id()
    anomaly = anomalies.find(db(), anomaly_id, tenant_id=tenant_id)
    suspected = suspects.of(db(), anomaly, tenant_id=tenant_id)
    goods = suspected.packages[0].package.order_id if suspected.packages else anomaly.order_id
    codes = anomalies.codes(db(), anomaly_id, tenant_id=tenant_id, rows_max=CODES_SHOWN_MAX)
    ring = keyring.epochs(db(), tenant_id=tenant_id, kek=parts().settings.kek_bytes)
    return render_template(
        "console/watch/anomaly.html",
        anomaly=anomaly,
        told=anomaly_words.tell(anomaly, suspected),
        suspects=suspected,
        goods=goods,
        product=product_names().get(anomaly.gtin, anomaly.gtin),
        codes=[(one, ring[one.epoch].cipher.serial_of(one.counter)) for one in codes],
        scans=queries.scans_named(db(), tenant_id=tenant_id, named=anomaly.samples)[::-1],
        places=sorted(anomaly.places.items(), key=lambda place: (-place[1], place[0]))[:PLACES_SHOWN_MAX],
        shipped=_shipped(anomaly, codes),
        distributor_names={one.distributor_id: one.name for one in distributors.everybody(db(), tenant_id=tenant_id)},
        events=handling.events(db(), anomaly_id, tenant_id=tenant_id),
        form=form,
        kind_names_of=anomaly_words.KINDS,
        states_of=anomaly_words.STATES,
        reasons_of=anomaly_words.REASONS,
        acts_of=anomaly_words.ACTS,
    )


def titled(anomaly: Anomaly) -> str:
    return anomaly_words.title(anomaly, suspects.of(db(), anomaly, tenant_id=desk.tenant_id()).recipients)


def _shipped(anomaly: Anomaly, codes: Sequence[CodeScans]) -> Sequence[LotShipment]:
    """Where the most scanned code, or its lot, was shipped: goods on their way explain scans that look like a leak."""
    if not codes or not anomaly.lot:
        return ()
    order = orders.at(db(), tenant_id=desk.tenant_id(), epoch=codes[0].epoch, counter=codes[0].counter)
    if order is None:
        return ()
    return shipments.path_of(db(), order, codes[0].counter, tenant_id=desk.tenant_id(), lot=anomaly.lot)


def _since(days: str) -> datetime | None:
    return desk.now() - timedelta(days=int(days)) if days else None


def new_anomalies() -> int:
    """For the count in the navigation, which is asked for by pages of the desk alone."""
    return anomalies.count_new(db(), tenant_id=desk.tenant_id())


def anomalies_of_code(epoch: int | None, counter: int | None) -> list[Concerned]:
    """For the look-up of a code; none where it is no code of this brand."""
    if epoch is None or counter is None:
        return []
    found = anomalies.of_code(db(), tenant_id=desk.tenant_id(), epoch=epoch, counter=counter)
    return [Concerned(anomaly=one.anomaly, title=titled(one.anomaly), scans=one.scans) for one in found]


@blueprint.context_processor
def _watch() -> dict[str, object]:
    return {"new_anomalies": new_anomalies, "anomalies_of_code": anomalies_of_code}
