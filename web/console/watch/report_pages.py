"""Consumers' reports in the console: the inbox, one report beside what is known of its code, the answer, closing, a note to an anomaly.

Promises: photos and phone numbers are for signed-in staff of the brand alone; opening a report tells its sender that it is being looked at;
forms sent twice act once.
"""

from uuid import UUID

from flask import Response as FlaskResponse
from flask import redirect, render_template, request, send_file, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectField, SubmitField, TextAreaField
from wtforms.validators import Length

from codegen import orders
from kit import seals
from scanservice import queries
from scanservice.anomalies import anomalies, handling
from scanservice.anomalies.anomalies import OPEN
from scanservice.fake_reports import fake_reports, photo_room, photos
from scanservice.fake_reports.fake_reports import ANSWER_LENGTH_MAX, Report, ReportState
from supplychain import distributors, shipments
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk
from web.console.codes.orders import product_names
from web.console.forms import DeskForm, blame, blaming
from web.console.routes import blueprint
from web.console.watch.anomaly_pages import NoteIdMalformed, anomalies_of_code, titled
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

STATES = {
    ReportState.RECEIVED: lazy("Not looked at yet"),
    ReportState.LOOKED_AT: lazy("Being looked at"),
    ReportState.ANSWERED: lazy("Answered"),
    ReportState.CLOSED: lazy("Closed"),
}
_OPEN = (ReportState.RECEIVED, ReportState.LOOKED_AT, ReportState.ANSWERED)
_SHOWN = {"open": _OPEN, "closed": (ReportState.CLOSED,), "all": ()}
SHOWN = {"open": lazy("Not closed"), "closed": lazy("Closed"), "all": lazy("All")}
RECENT_ANOMALIES = 20


class HandlingForm(DeskForm):
    """One text and what to do with it. `note_id` comes with the page: sent twice it is one note."""

    text = TextAreaField(lazy("In your words"), [Length(max=ANSWER_LENGTH_MAX)], render_kw={"rows": 4})
    anomaly = SelectField(lazy("Anomaly"), default="")
    note_id = HiddenField()
    answer = SubmitField(lazy("Send the answer"))
    close = SubmitField(lazy("Close"))
    note = SubmitField(lazy("Note it there"))


@blueprint.get("/reports", endpoint="reports")
@admits(*CONSOLE_ROLES)
def reports_list() -> str:
    asked = request.args.get("state", "open")
    state = asked if asked in SHOWN else "open"
    page = fake_reports.page(db(), tenant_id=desk.tenant_id(), states=_SHOWN[state], cursor=request.args.get("after"))
    return render_template(
        "console/watch/reports.html",
        page=page,
        state=state,
        shown=SHOWN,
        states_of=STATES,
        names=product_names(),
        is_first="after" not in request.args,
        room=photo_room.used(db(), tenant_id=desk.tenant_id(), now=desk.now()),
        room_of_day=photo_room.BYTES_OF_DAY_MAX,
        room_in_all=photo_room.BYTES_KEPT_MAX,
    )


@blueprint.get("/reports/<uuid:report_id>", endpoint="reports_one")
@admits(*CONSOLE_ROLES)
def reports_one(report_id: UUID) -> str:
    report = fake_reports.look_at(db(), report_id, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor())
    return _page(report, _form(report))


@blueprint.post("/reports/<uuid:report_id>")
@admits(*CONSOLE_ROLES)
def reports_act(report_id: UUID) -> Response | tuple[str, int]:
    report = fake_reports.find(db(), report_id, tenant_id=desk.tenant_id())
    form = _form(report)
    if form.validate_on_submit():
        with blaming(form, {}, otherwise="text"):
            _act(report, form)
    if form.errors:
        return _page(fake_reports.find(db(), report_id, tenant_id=desk.tenant_id()), form), 422
    return redirect(url_for("console.reports_one", report_id=report_id))


@blueprint.get("/reports/<uuid:report_id>/photos/<int:number>.jpg")
@admits(*CONSOLE_ROLES)
def reports_photo(report_id: UUID, number: int) -> FlaskResponse:
    report = fake_reports.find(db(), report_id, tenant_id=desk.tenant_id())
    if not 1 <= number <= len(report.photos):
        raise NotFound
    file = photos.path(report.photos[number - 1], objects_dir=parts().settings.objects_dir, tenant_id=desk.tenant_id())
    if not file.exists():
        raise NotFound
    answer = send_file(file.resolve(), mimetype="image/jpeg", download_name=f"report-{number}.jpg")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer


def _form(report: Report) -> HandlingForm:
    form = HandlingForm()
    form.anomaly.choices = [("", _("Choose an anomaly")), *_anomalies(report).items()]
    if request.method == "GET":
        form.note_id.data = str(desk.new_id())
    return form


def _act(report: Report, form: HandlingForm) -> None:
    tenant_id, now, actor, text = desk.tenant_id(), desk.now(), desk.actor(), form.text.data
    if form.answer.data:
        fake_reports.answer(db(), report.id, tenant_id=tenant_id, text=text, now=now, actor=actor)
    elif form.close.data:
        fake_reports.close(db(), report.id, tenant_id=tenant_id, reason=text, now=now, actor=actor)
    elif not form.anomaly.data:
        blame(form, "anomaly", _("Choose which one."))
    else:
        try:
            note_id = UUID(form.note_id.data)
        except ValueError as error:
            raise NoteIdMalformed from error
        handling.note(
            db(),
            UUID(form.anomaly.data),
            note_id=note_id,
            tenant_id=tenant_id,
            words=text or _("A consumer reported a suspected fake."),
            report_id=report.id,
            now=now,
            actor=actor,
        )


def _anomalies(report: Report) -> dict[str, str]:
    """Those of its code first, then the newest open ones."""
    of_code = {str(one.anomaly.id): one.title for one in anomalies_of_code(report.epoch, report.counter)}
    recent = anomalies.page(db(), tenant_id=desk.tenant_id(), states=OPEN, rows_max=RECENT_ANOMALIES).anomalies
    return {**of_code, **{str(one.id): titled(one) for one in recent if str(one.id) not in of_code}}


def _page(report: Report, form: HandlingForm) -> str:
    tenant_id = desk.tenant_id()
    key = seals.derive(parts().settings.secret_bytes, fake_reports.KEY_PURPOSE)
    phone = fake_reports.phone_of(db(), report.id, tenant_id=tenant_id, key=key) if report.has_phone else ""
    return render_template(
        "console/watch/report.html",
        report=report,
        phone=phone,
        form=form,
        states_of=STATES,
        names=product_names(),
        distributor_names={one.distributor_id: one.name for one in distributors.everybody(db(), tenant_id=tenant_id)},
        **_history(report, tenant_id=tenant_id),
    )


def _history(report: Report, *, tenant_id: int) -> dict[str, object]:
    """What is known of the code beside the report: its order, its way, its scans, other reports."""
    if report.epoch is None or report.counter is None:
        own = queries.scan(db(), tenant_id=tenant_id, scan_id=report.scan_id)
        return {"order": None, "path": (), "scans": () if own is None else (own,), "others": (), "concerned": ()}
    epoch, counter = report.epoch, report.counter
    order = orders.at(db(), tenant_id=tenant_id, epoch=epoch, counter=counter)
    others = fake_reports.of_code(db(), tenant_id=tenant_id, epoch=epoch, counter=counter)
    return {
        "order": order,
        "path": () if order is None else shipments.path_of(db(), order, counter, tenant_id=tenant_id, lot=report.lot),
        "scans": queries.scans_of_code(db(), tenant_id=tenant_id, epoch=epoch, counter=counter),
        "others": [one for one in others if one.id != report.id],
        "concerned": anomalies_of_code(epoch, counter),
    }


@blueprint.context_processor
def _count() -> dict[str, object]:
    return {"new_reports": lambda: fake_reports.count_received(db(), tenant_id=desk.tenant_id())}
