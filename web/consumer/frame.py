"""The frame of consumer pages: their blueprint, who is signed in, and refusals in their own dress.

Promises: a refusal on a consumer page is a page in plain words with a way on, or a problem document for programs; a session names one
consumer of one brand, and means nothing at another brand.
"""

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, jsonify, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError

from kit import refusals
from kit.refusals import Refusal
from web.app import wants_json
from web.wording import gettext as _

blueprint = Blueprint("consumer", __name__)

SESSION_KEY = "consumer"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The consumer whom this browser's session names. The row in the database still decides whether there is one."""

    tenant_id: int
    consumer_id: UUID


def sign_in(*, tenant_id: int, consumer_id: UUID) -> None:
    session.permanent = True
    session[SESSION_KEY] = {"tenant": tenant_id, "id": str(consumer_id)}


def sign_out() -> None:
    session.pop(SESSION_KEY, None)


def signed_in(*, tenant_id: int | None = None) -> SignedIn | None:
    """The signed-in consumer; with `tenant_id` only a consumer of that brand."""
    kept = session.get(SESSION_KEY)
    if not kept or (tenant_id is not None and kept["tenant"] != tenant_id):
        return None
    return SignedIn(tenant_id=kept["tenant"], consumer_id=UUID(kept["id"]))


def notice(title: str, text: str, *, status: int, code: str = "", href: str = "", label: str = "") -> Response:
    """A page with one thing to say; `href` and `label` make the button that leads on."""
    page = render_template("consumer/notice.html", title=title, text=text, code=code, href=href, label=label)
    return Response(page, status=status, mimetype="text/html")


@blueprint.errorhandler(Refusal)
def _refused(refusal: Refusal) -> Response:
    if wants_json():
        answer = jsonify(refusals.problem(refusal, instance=request.path))
        answer.content_type = "application/problem+json"
        answer.status_code = refusal.status
    else:
        title, text = _words(refusal)
        href, label = _way_on(refusal)
        answer = notice(title, text, status=refusal.status, code=refusal.code, href=href, label=label)
    if "retry_after_s" in refusal.data:
        answer.headers["Retry-After"] = str(refusal.data["retry_after_s"])
    return answer


@blueprint.errorhandler(CSRFError)
def _form_too_old(error: CSRFError) -> Response:
    return notice(
        _("This page was open for too long"),
        _("Please go back, load the page again and repeat the last step. Nothing was changed."),
        status=error.code or 400,
        code="csrf",
    )


def _way_on(refusal: Refusal) -> tuple[str, str]:
    """Where the button of a refusal leads, and what it says. Whoever has to wait is not sent anywhere."""
    if refusal.status == HTTPStatus.TOO_MANY_REQUESTS or refusal.code == "follow_link_unknown":
        return "", ""
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return (request.full_path, _("Try again")) if request.method == "GET" else ("", "")
    return url_for("consumer.check"), _("Check a code")


def _words(refusal: Refusal) -> tuple[str, str]:
    """What a person reads. Refusals that a consumer cannot do anything about share one text."""
    said: dict[str, tuple[str, str]] = {
        "ticket_invalid": (
            _("This link is not complete"),
            _("It was not made by us, or part of it is missing. Please scan the code on the product."),
        ),
        "ticket_expired": (
            _("This check is over"),
            _("For your safety a check can be used for 30 minutes. Please scan the code on the product again."),
        ),
        "ticket_of_other": (
            _("This check was made with another device"),
            _("It says nothing about the product in your hand. Please scan its code with this device."),
        ),
        "tried_too_often": (
            _("Please wait a moment"),
            _("Too many tries came from this network. Please try again in a few minutes."),
        ),
        "follow_link_unknown": (
            _("We know no such report"),
            _("Part of this address may be missing. Open it as it was shown after the report was sent."),
        ),
        "product_unknown": (
            _("We know no such product"),
            _("No product has this number here. Please scan the code on the item itself."),
        ),
        "unavailable": (
            _("We cannot do this right now"),
            _("Please try again in a moment. Nothing was lost."),
        ),
    }
    return said.get(refusal.code, (_("This did not work"), _("Please scan the code on the product again.")))
