"""Joining, which is also signing in: a phone number, the code sent to it, what one agrees to, and back to the check.

Promises: every answer is the same for a number that is a member's and one that is not; each mistake is told beside its field; boxes
start empty and only the service's own consent is needed. Refuses tickets of other browsers and codes that are not ours: a text message
costs money, so asking for one takes a real scan.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crm import consents, identities, joining
from crm.consents import ConsentForm, ConsentNeeded, ConsentTextUnknown, Language, Purpose
from crm.identities import E164, PersonalKeys, PhoneInvalid
from crm.joining import CodeSent, CodesOfPhone, CodesOfVisitor, CodeTooSoon, CodeWrong, Joined
from crm.people import FirstTouch
from kit.refusals import Conflict, Refusal
from kit.throttle import TriedTooOften
from web.app import asker, db, parts
from web.consumer.frame import blueprint, sign_in, signed_in
from web.consumer.visits import Visit, open_own
from web.wording import gettext as _
from web.wording import language

CODES_PER_ADDRESS = "60/10 minutes"
NO_PROVIDER_STATUS = 503
TRIES_PER_ADDRESS = "120/10 minutes"
CHANNEL = "web"
CODE_CHARS_MAX = 20


class JoinNeedsItem(Conflict):
    code: ClassVar[str] = "join_needs_item"
    says: ClassVar[str] = "Joining starts with the scan of a genuine item."


@dataclass(slots=True, kw_only=True)
class _Page:
    """What the form shows. `phone` is as it was typed, or in E.164 once a code is on its way; `errors` by field."""

    phone: str = ""
    shown_phone: str = ""
    resend_s: int = 0
    marketing: bool = False
    service: bool = False
    errors: dict[str, str] = field(default_factory=dict)


@blueprint.get("/join/<ticket>")
def join(ticket: str) -> Response | str:
    visit = _visit(ticket)
    if signed_in(tenant_id=visit.tenant_id) is not None:
        return redirect(_back(visit), 303)
    return _ask_phone(visit, _Page())


@blueprint.post("/join/<ticket>")
def join_step(ticket: str) -> Response | str | tuple[str, int]:
    visit = _visit(ticket)
    page = _Page(phone=request.form.get("phone", ""))
    try:
        phone = identities.read_phone(page.phone)
    except PhoneInvalid as refused:
        page.errors["phone"] = _phone_words(str(refused.data["reason"]))
        return _ask_phone(visit, page), refused.status
    if request.form.get("step") == "join":
        return _join(visit, page, phone)
    if not parts().settings.sms:
        page.errors["phone"] = _("No text messages can be sent from here yet, so nobody can join. Your check stays valid.")
        return _ask_phone(visit, page), NO_PROVIDER_STATUS
    return _send_code(visit, page, phone)


def _send_code(visit: Visit, page: _Page, phone: E164) -> str | tuple[str, int]:
    now = parts().clock.now()
    again = request.form.get("step") == "resend"
    try:
        parts().throttle.take("join_code_from", asker(), at_most=CODES_PER_ADDRESS)
        sent = joining.request_code(
            db(),
            tenant_id=visit.tenant_id,
            keys=_keys(),
            brand_name=visit.brand.name,
            phone=phone,
            visitor=visit.visitor,
            language=Language(language()),
            now=now,
        )
    except CodeTooSoon as refused:
        # The code of a moment ago is on its way: whoever pressed twice goes on with it.
        page.resend_s = int(str(refused.data["retry_after_s"]))
        page.errors["code"] = _(
            "A code was sent just now. You can ask for another in %(seconds)s seconds.", seconds=page.resend_s
        )
        return _ask_code(visit, page, phone), refused.status
    except (CodesOfPhone, CodesOfVisitor, TriedTooOften) as refused:
        minutes = -(-int(str(refused.data["retry_after_s"])) // 60)
        page.errors["code" if again else "phone"] = _too_many_words(refused, minutes=minutes)
        return (_ask_code(visit, page, phone) if again else _ask_phone(visit, page)), refused.status
    page.resend_s = _seconds_left(sent, now=now)
    return _ask_code(visit, page, phone)


def _join(visit: Visit, page: _Page, phone: E164) -> Response | tuple[str, int]:
    page.service = "service" in request.form
    page.marketing = "marketing" in request.form
    code = "".join(request.form.get("code", "").split())[:CODE_CHARS_MAX]
    if not code:
        page.errors["code"] = _("Please type the code from the text message.")
    if not page.service:
        page.errors["service"] = _("Without this consent we cannot keep points for you. You can still check products.")
    if page.errors:
        return _ask_code(visit, page, phone), 422
    wanted = {Purpose.SERVICE: page.service, Purpose.MARKETING: page.marketing}
    try:
        parts().throttle.take("join_try_from", asker(), at_most=TRIES_PER_ADDRESS)
        outcome = joining.join(
            db(),
            tenant_id=visit.tenant_id,
            keys=_keys(),
            phone=phone,
            code=code,
            visitor=visit.visitor,
            form=ConsentForm(
                granted=frozenset(purpose for purpose, ticked in wanted.items() if ticked),
                version=request.form.get("version", ""),
                language=Language(language()),
                channel=CHANNEL,
                scan_id=visit.ticket.scan_id,
            ),
            source=FirstTouch(channel="scan", scan_id=visit.ticket.scan_id, gtin=visit.ticket.gtin, lot=visit.ticket.lot),
            now=parts().clock.now(),
        )
    except (ConsentTextUnknown, ConsentNeeded) as refused:
        page.errors["service"] = _("The text of this consent has changed. Please read it and tick the box again.")
        return _ask_code(visit, page, phone), refused.status
    except TriedTooOften as refused:
        page.errors["code"] = _too_many_words(refused, minutes=-(-int(str(refused.data["retry_after_s"])) // 60))
        return _ask_code(visit, page, phone), refused.status
    if not isinstance(outcome, Joined):
        # Answered, not raised: the try that this cost has to be committed.
        page.errors["code"] = _code_words(outcome.refusal)
        return _ask_code(visit, page, phone), outcome.refusal.status
    sign_in(tenant_id=visit.tenant_id, consumer_id=outcome.consumer_id)
    flash(_("Welcome! You have joined.") if outcome.is_new else _("Welcome back!"), "consumer")
    return redirect(_back(visit), 303)


def _visit(ticket: str) -> Visit:
    visit = open_own(ticket)
    if visit.code is None:
        raise JoinNeedsItem
    return visit


def _back(visit: Visit) -> str:
    return url_for("consumer.verdict", ticket=visit.text, _anchor="reward")


def _keys() -> PersonalKeys:
    return PersonalKeys.derive(parts().settings.secret_bytes)


def _ask_phone(visit: Visit, page: _Page) -> str:
    return render_template("consumer/join_phone.html", visit=visit, brand=visit.brand, page=page)


def _ask_code(visit: Visit, page: _Page, phone: E164) -> str:
    page.phone = str(phone)
    page.shown_phone = identities.masked(phone)
    spoken = Language(language())
    return render_template(
        "consumer/join_code.html",
        visit=visit,
        brand=visit.brand,
        page=page,
        version=consents.VERSION,
        texts={purpose.value: consents.text(purpose, language=spoken) for purpose in (Purpose.SERVICE, Purpose.MARKETING)},
        digits=joining.CODE_DIGITS,
    )


def _seconds_left(sent: CodeSent, *, now: datetime) -> int:
    return max(0, int((sent.resend_at - now).total_seconds()))


def _phone_words(reason: str) -> str:
    said = {
        "empty": _("Please type your mobile phone number."),
        "country": _("We do not know this country code. Write + and the country code, then the number."),
        "too_short": _("This number is too short."),
        "too_long": _("This number is too long."),
        "no_mobile": _("This is not a mobile number, so it cannot receive a text message."),
        "unassigned": _("There is no such number. Please compare the digits."),
    }
    return said.get(reason, _("This is not a phone number."))


def _code_words(refused: Refusal) -> str:
    if isinstance(refused, CodeWrong):
        return _("This is not the code that we sent. Tries left: %(left)s.", left=refused.data["tries_left"])
    return _("This code cannot be used any more: it is too old or was tried too often. Please ask for a new one.")


def _too_many_words(refused: Refusal, *, minutes: int) -> str:
    if isinstance(refused, CodesOfPhone):
        return _("Too many codes were sent to this number. Please try again in %(minutes)s minutes.", minutes=minutes)
    return _("Too many tries came from here. Please try again in %(minutes)s minutes.", minutes=minutes)
