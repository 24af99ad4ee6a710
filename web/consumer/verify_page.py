"""`/verify`: a page that checks the public signature of a printed address in the browser, without any server once it was loaded.

Promises: the page, its script and both languages stay in the browser's cache by a service worker; the keys are fetched once, kept on the device and
compared when they are fetched again. Nothing that is checked leaves the device. It says what a signature proves and what it does not.
"""

from flask import Response, current_app, render_template, url_for

from codegen.keys import public_keys
from web.consumer.frame import blueprint
from web.wording import LANGUAGES

STATIC = ("consumer.css", "verify.css", "ed25519.js", "verify.js", "mark.svg")


@blueprint.get("/verify")
def verify() -> str:
    return render_template("consumer/verify.html", keys_path=public_keys.WELL_KNOWN)


@blueprint.get("/verify-worker.js")
def verify_worker() -> Response:
    """The service worker. It lies beside the page, because none may serve a page above its own folder."""
    page = url_for("consumer.verify")
    kept = [page, *(f"{page}?lang={code}" for code in LANGUAGES), *(url_for("static", filename=name) for name in STATIC)]
    script = render_template("consumer/verify_worker.js", page=page, kept=kept)
    return current_app.response_class(script, mimetype="text/javascript")
