"""`/report/<ticket>`: "I think this is a fake", and `/reports/<token>`, under which its sender follows it.

Promises: only the browser that scanned can report, and only that scan; the form sent twice is one report; every mistake is told beside its
field; the status page needs no account, and shows nothing but state and answer to whoever holds its address. Refuses more reports than a
person has reason for, from one visitor and from one address, and more photos than the brand has room for.
"""

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from flask import Response as FlaskResponse
from flask import redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from codegen import brands
from codegen.symbology.photos import PHOTO_BYTES_MAX, PhotoTooLarge, PhotoTooManyPixels, PhotoUnreadable
from crm import identities
from crm.identities import PhoneInvalid
from kit import ids, seals
from kit.db import enter_tenant
from kit.refusals import Malformed
from kit.throttle import TriedTooOften
from scanservice.fake_reports import fake_reports, follow_links, photos
from scanservice.fake_reports.fake_reports import KEPT_AFTER_CLOSING, PLACE_LENGTH_MAX, WORDS_LENGTH_MAX, Draft
from scanservice.fake_reports.follow_links import Followed
from scanservice.fake_reports.photos import PHOTOS_MAX
from web import wording
from web.app import asker, db, parts
from web.consumer.frame import blueprint, notice
from web.consumer.visits import Visit, open_own
from web.wording import gettext as _
from web.wording import language

REPORTS_PER_VISITOR = "5/1 day"
REPORTS_PER_ADDRESS = "30/1 hour"
REPORTS_PER_ADDRESS_A_DAY = "60/1 day"
# Forms whose photos are read, sent back ones too: a decoder works far longer than its sender.
READINGS_PER_ADDRESS = "60/1 hour"
# Four photos and the words; the edge passes on up to 32 MiB.
REPORT_BYTES_MAX = PHOTOS_MAX * PHOTO_BYTES_MAX + (1 << 20)
SEND = "consumer.report_send"


class ReportIdMalformed(Malformed):
    code: ClassVar[str] = "report_id_malformed"
    says: ClassVar[str] = "This form is damaged. Load the page again."


@dataclass(slots=True, kw_only=True)
class _Page:
    """What the form shows; `errors` by field. Photos cannot be put back by a page: browsers do not allow it."""

    report_id: str
    place: str = ""
    words: str = ""
    phone: str = ""
    consent: bool = False
    errors: dict[str, str] = field(default_factory=dict)


@blueprint.url_value_preprocessor
def _room_for_photos(endpoint: str | None, _values: object) -> None:
    """Before anybody reads the form: reading it is where the limit of all other forms would end it."""
    if endpoint == SEND:
        request.max_content_length = REPORT_BYTES_MAX


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> FlaskResponse:
    if request.endpoint != SEND:
        alone = PhotoTooLarge(megabytes_max=PHOTO_BYTES_MAX >> 20)
        return notice(_("This photo is too large"), wording.explained(alone), status=alone.status, code=alone.code)
    return notice(
        _("The photos are too large together"),
        _(
            "Please go back and choose fewer or smaller ones: up to %(count)s photos of %(size)s MB each.",
            count=PHOTOS_MAX,
            size=PHOTO_BYTES_MAX >> 20,
        ),
        status=413,
        code="too_large",
    )


@blueprint.get("/report/<ticket>")
def report(ticket: str) -> str:
    return _form(open_own(ticket), _Page(report_id=str(ids.uuid7(parts().clock.now()))))


@blueprint.post("/report/<ticket>")
def report_send(ticket: str) -> Response | tuple[str, int]:
    visit = open_own(ticket)
    page = _Page(
        report_id=request.form.get("report_id", ""),
        place=request.form.get("place", "").strip(),
        words=request.form.get("words", "").strip(),
        phone=request.form.get("phone", "").strip(),
        consent="consent" in request.form,
    )
    report_id = _id(page.report_id)
    if not fake_reports.sent(db(), report_id, tenant_id=visit.tenant_id, visitor=visit.visitor):
        draft = _draft(visit, page, report_id)
        if draft is None:
            return _form(visit, page), 422
        try:
            parts().throttle.take("fake_report", f"{visit.tenant_id} {visit.visitor.hex()}", at_most=REPORTS_PER_VISITOR)
            parts().throttle.take("fake_report_from", asker(), at_most=REPORTS_PER_ADDRESS)
            parts().throttle.take("fake_report_of_day_from", asker(), at_most=REPORTS_PER_ADDRESS_A_DAY)
        except TriedTooOften as refused:
            page.errors["photos"] = _("Several reports came from here already. Please follow those, or try again tomorrow.")
            return _form(visit, page), refused.status
        _receive(draft, tenant_id=visit.tenant_id)
    token = follow_links.seal(Followed(visit.tenant_id, report_id), key=_link_key())
    return redirect(url_for("consumer.report_status", token=token), 303)


@blueprint.get("/reports/<token>")
def report_status(token: str) -> str:
    followed = follow_links.read(token, key=_link_key())
    enter_tenant(db(), followed.tenant_id)
    brand = brands.load(db(), tenant_id=followed.tenant_id)
    return render_template(
        "consumer/report_status.html",
        brand=brand,
        report=fake_reports.find(db(), followed.report_id, tenant_id=followed.tenant_id),
        zone=brand.timezone,
        days=KEPT_AFTER_CLOSING.days,
    )


def _receive(draft: Draft, *, tenant_id: int) -> None:
    settings = parts().settings
    fake_reports.receive(
        db(),
        draft,
        tenant_id=tenant_id,
        key=seals.derive(settings.secret_bytes, fake_reports.KEY_PURPOSE),
        objects_dir=settings.objects_dir,
        now=parts().clock.now(),
    )


def _form(visit: Visit, page: _Page) -> str:
    return render_template(
        "consumer/report.html",
        visit=visit,
        brand=visit.brand,
        page=page,
        photos_max=PHOTOS_MAX,
        megabytes_max=PHOTO_BYTES_MAX >> 20,
        place_max=PLACE_LENGTH_MAX,
        words_max=WORDS_LENGTH_MAX,
        days=KEPT_AFTER_CLOSING.days,
        language_path=url_for("consumer.report", ticket=visit.text),
    )


def _draft(visit: Visit, page: _Page, report_id: UUID) -> Draft | None:
    """None: something is to be put right first, and `page.errors` says what."""
    if len(page.place) > PLACE_LENGTH_MAX:
        page.errors["place"] = _("At most %(length)s characters, please.", length=PLACE_LENGTH_MAX)
    if len(page.words) > WORDS_LENGTH_MAX:
        page.errors["words"] = _("At most %(length)s characters, please.", length=WORDS_LENGTH_MAX)
    phone = _phone(page)
    cleaned = _photos(page)
    if page.errors:
        return None
    return Draft(
        report_id=report_id,
        ticket=visit.ticket,
        place=page.place,
        words=page.words,
        phone=phone,
        language=language(),
        photos=cleaned,
    )


def _phone(page: _Page) -> str:
    if not page.phone:
        return ""
    if not page.consent:
        page.errors["consent"] = _("Please tick this, or leave the number out.")
    try:
        return identities.read_phone(page.phone)
    except PhoneInvalid:
        page.errors["phone"] = _("This is no mobile number. Type it whole, or leave it out.")
        return ""


def _photos(page: _Page) -> tuple[bytes, ...]:
    given: list[FileStorage] = [file for file in request.files.getlist("photos") if file.filename]
    if not given:
        page.errors["photos"] = _("Please add at least one photo: the code, the package, or what looks wrong.")
    elif len(given) > PHOTOS_MAX:
        page.errors["photos"] = _("At most %(count)s photos, please.", count=PHOTOS_MAX)
    if page.errors:
        # Nothing is decoded for a form that comes back anyway.
        return ()
    try:
        parts().throttle.take("fake_report_photos", asker(), at_most=READINGS_PER_ADDRESS)
    except TriedTooOften:
        page.errors["photos"] = _("Several reports came from here already. Please follow those, or try again tomorrow.")
        return ()
    cleaned = []
    for number, file in enumerate(given, start=1):
        try:
            cleaned.append(photos.cleaned(file.stream.read(PHOTO_BYTES_MAX + 1)))
        except (PhotoTooLarge, PhotoTooManyPixels, PhotoUnreadable) as refused:
            which = _("Photo %(number)s: ", number=number) if len(given) > 1 else ""
            page.errors["photos"] = which + wording.explained(refused)
            return ()
    return tuple(cleaned)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ReportIdMalformed from error


def _link_key() -> bytes:
    return seals.derive(parts().settings.secret_bytes, follow_links.KEY_PURPOSE)
