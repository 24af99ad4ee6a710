"""Claiming the points of a check: one button, one transaction, one answer.

Promises: only the browser that scanned can claim, only for its own signed-in member, only with a confirmed check; pressing twice, or
sending the same form again, shows the first answer. A refusal is told in words, with the way back to the check.
"""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from campaigns import claiming
from campaigns.eligibility import ClaimRefused
from crm import ledger
from web.app import asker, db, parts
from web.consumer import rewards
from web.consumer.frame import blueprint, notice, signed_in
from web.consumer.visits import open_own
from web.wording import gettext as _

CLAIMS_PER_ADDRESS = "300/10 minutes"


@blueprint.post("/claim")
def claim() -> Response | str:
    visit = open_own(request.form.get("ticket", ""))
    back = url_for("consumer.verdict", ticket=visit.text, _anchor="reward")
    if not visit.confirmed:
        return redirect(back, 303)
    member = signed_in(tenant_id=visit.tenant_id)
    if member is None:
        return redirect(url_for("consumer.join", ticket=visit.text), 303)
    parts().throttle.take("claim_from", asker(), at_most=CLAIMS_PER_ADDRESS)
    now = parts().clock.now()
    try:
        claimed = claiming.claim(
            db(), ticket=visit.ticket, visitor=visit.visitor, consumer_id=member.consumer_id, zone=visit.zone, now=now
        )
    except ClaimRefused as refused:
        return notice(
            _("No points this time"),
            rewards.refusal_words(refused, zone=visit.zone),
            status=refused.status,
            code=refused.code,
            href=back,
            label=_("Back to the check"),
        )
    return render_template(
        "consumer/claimed.html",
        visit=visit,
        brand=visit.brand,
        claimed=claimed,
        reward=rewards.of_claim(db(), claimed, tenant_id=visit.tenant_id, zone=visit.zone),
        points=ledger.balance(db(), tenant_id=visit.tenant_id, consumer_id=member.consumer_id, at=now).available,
        zone=visit.zone.key,
        language_path=url_for("consumer.verdict", ticket=visit.text),
    )
