"""Consumers: the list with search by phone number, and the profile with one timeline of everything that happened.

Promises: a number that is searched for travels in the body of a POST, so that no address, history or access log keeps it.
"""

from uuid import UUID

from flask import render_template, request

from campaigns import claims
from crm import consents, identities, ledger, profile
from crm.identities import PHONE_TEXT_MAX, PhoneInvalid
from scanservice import queries
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk, timeline
from web.console.codes.orders import product_names
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

EVENTS_MAX = 200
PURPOSES = {
    consents.Purpose.SERVICE: lazy("Membership"),
    consents.Purpose.MARKETING: lazy("Offers by text message"),
    consents.Purpose.LOCATION: lazy("Precise location"),
}


@blueprint.route("/consumers", methods=["GET", "POST"], endpoint="consumers")
@admits(*CONSOLE_ROLES)
def consumers_list() -> tuple[str, int]:
    typed = request.form.get("phone", "").strip()[:PHONE_TEXT_MAX]
    keys = desk.personal_keys()
    phone, error, page = None, "", None
    try:
        phone = identities.read_phone(typed) if typed else None
    except PhoneInvalid:
        error = _("This is no mobile number. Type it whole, such as 138 0013 8000 or +44 7400 123456.")
    if not error:
        page = profile.page(
            db(), tenant_id=desk.tenant_id(), keys=keys, now=desk.now(), phone=phone, cursor=request.args.get("after")
        )
    return render_template(
        "console/consumers.html",
        typed=typed,
        error=error,
        page=page,
        total=profile.count(db(), tenant_id=desk.tenant_id()),
        is_first="after" not in request.args,
    ), 422 if error else 200


@blueprint.get("/consumers/<uuid:consumer_id>")
@admits(*CONSOLE_ROLES)
def consumers_one(consumer_id: UUID) -> str:
    tenant_id = desk.tenant_id()
    person = profile.one(db(), tenant_id=tenant_id, consumer_id=consumer_id, keys=desk.personal_keys(), now=desk.now())
    events = timeline.merge(
        scans=queries.scans_of_visitors(db(), tenant_id=tenant_id, visitors=person.visitors, rows_max=EVENTS_MAX),
        claims=claims.of_consumer(db(), tenant_id=tenant_id, consumer_id=consumer_id),
        movements=ledger.history(db(), tenant_id=tenant_id, consumer_id=consumer_id, rows_max=EVENTS_MAX).rows,
        answers=consents.history(db(), tenant_id=tenant_id, consumer_id=consumer_id),
        joined_at=person.joined_at,
        events_max=EVENTS_MAX,
    )
    return render_template(
        "console/consumer.html",
        person=person,
        lots=ledger.open_lots(db(), tenant_id=tenant_id, consumer_id=consumer_id, at=desk.now()),
        events=events,
        events_max=EVENTS_MAX,
        purposes=PURPOSES,
        names=product_names(),
        now=desk.now(),
    )
