"""`/check`: a code by hand or by the camera of this device, for labels that no camera app reads and for people without one.

Promises: what was read is handed to the scan service under this same host, where it is a scan like any other; nothing typed here leads to
another site. Forgives what people do to a code (case, I, L, O, spaces, hyphens). Refuses pictures beyond the limits, and addresses of
other sites, which it names but does not open.
"""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from flask import jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from codegen import brands, cipher, origins, typed_codes
from codegen.digital_link import DlSyntax
from codegen.symbology import photos
from codegen.typed_codes import TEXT_LENGTH_MAX
from kit.refusals import Invalid, Refusal
from web import wording
from web.app import asker, db, parts
from web.consumer.frame import blueprint
from web.wording import gettext as _

# Four pictures a second while somebody holds a label before the camera, and again after a pause.
FRAMES_PER_ADDRESS = "240/minute"
FRAME_BYTES_MAX = 1 << 20
PHOTOS_PER_ADDRESS = "30/minute"


class CodeElsewhere(Invalid):
    code: ClassVar[str] = "code_elsewhere"
    says: ClassVar[str] = "This code leads to {host}, which is not ours. We can say nothing about it."


class SerialIncomplete(Invalid):
    code: ClassVar[str] = "serial_incomplete"
    says: ClassVar[str] = "A code has {length} letters and digits; this one has {typed}."


class LetterUnused(Invalid):
    code: ClassVar[str] = "letter_unused"
    says: ClassVar[str] = "Our codes have no {letter!r}. Look at that place again."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    typed: str = ""
    error: str = ""
    photo_error: str = ""


@blueprint.get("/check")
def check() -> Response | str | tuple[str, int]:
    typed = request.args.get("code", "").strip()[:TEXT_LENGTH_MAX]
    if not typed:
        return _shown(_Page())
    try:
        return redirect(_path(typed), code=303)
    except Refusal as refused:
        return _shown(_Page(typed=typed, error=wording.explained(refused))), refused.status


@blueprint.post("/check/photo")
def check_photo() -> Response | str | tuple[str, int]:
    """A picture that somebody chose, without JavaScript too."""
    parts().throttle.take("check_photo", asker(), at_most=PHOTOS_PER_ADDRESS)
    chosen = request.files.get("photo")
    try:
        found = photos.codes(b"" if chosen is None else chosen.read(photos.PHOTO_BYTES_MAX + 1))
    except Refusal as refused:
        return _shown(_Page(photo_error=wording.explained(refused))), refused.status
    if not found:
        return _shown(
            _Page(photo_error=_("No code was found in this picture. Go nearer, hold it straight, avoid reflections."))
        ), 422
    return redirect(url_for("consumer.check", code=found[0]), code=303)


@blueprint.post("/check/frame")
def check_frame() -> Response:
    """One picture of the camera, from browsers that cannot read codes themselves. What it shows, or null."""
    parts().throttle.take("check_frame", asker(), at_most=FRAMES_PER_ADDRESS)
    request.max_content_length = FRAME_BYTES_MAX
    found = photos.codes(request.get_data(cache=False))
    return jsonify({"code": found[0] if found else None})


def _path(typed: str) -> str:
    """Where the scan service answers for this code, on this host."""
    host = _host(typed) if "//" in typed else None
    if host is not None and not _ours(host):
        raise CodeElsewhere(host=host)
    if "/" in typed:
        serial, gtin = typed_codes.read(typed)
    else:
        serial, gtin = cipher.normalise(typed), None
    strange = next((letter for letter in serial if letter not in cipher.ALPHABET), None)
    if gtin is None and strange is not None:
        raise LetterUnused(letter=strange)
    if gtin is None and len(serial) != cipher.SERIAL_LENGTH:
        raise SerialIncomplete(length=cipher.SERIAL_LENGTH, typed=len(serial))
    if not serial.isascii() or not serial.isalnum():
        raise DlSyntax(why="the serial has characters that no code of ours has")
    return f"/{serial}" if gtin is None else f"/01/{gtin}/21/{serial}"


def _host(typed: str) -> str | None:
    try:
        return urlsplit(typed).hostname
    except ValueError as error:
        raise DlSyntax(why="it is no address") from error


def _ours(host: str) -> bool:
    """A host of any brand of this instance: the scan service sends the phone on where the code belongs to another."""
    known = {origins.host_of(request.host)}
    known.update(origins.host_of(entry.scan_origin) for entry in brands.directory(db()))
    return origins.host_of(host) in known


def _shown(page: _Page) -> str:
    return render_template("consumer/check.html", page=page, length=cipher.SERIAL_LENGTH)
