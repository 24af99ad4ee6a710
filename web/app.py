"""The Flask application: consumer pages, console and portal, behind the edge.

Promises: one transaction for each request, committed when the view returns and rolled back when it raises; refusals become problem
documents (RFC 9457) for programs and pages for people; every answer carries the security headers; forms carry a CSRF token.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from itertools import chain
from time import perf_counter
from typing import Any, ClassVar

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from codegen import catalogue_version
from kit import log, refusals, seals, traces
from kit.clock import Clock
from kit.db import transaction
from kit.jobs import Jobs
from kit.outbox import Enqueue
from kit.refusals import Malformed, Refusal
from kit.settings import Settings
from kit.throttle import Throttle
from scanservice import catalogue, visitors
from web import assets, counters, inline_styles, wording

SESSION_LIFETIME = timedelta(days=30)
FORM_BYTES_MAX = 8 << 20
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {inline_styles.HASHES}; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A year. Without includeSubDomains: a brand's other hosts are not ours to bind.
HSTS_S = 365 * 24 * 3600
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
}

# What is the same for everybody and may lie in any cache. Everything else is somebody's: no cache keeps it, files included.
FOR_EVERYBODY = frozenset({"static", "bootstrap.static", "assets.echarts"})

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application is put together from; views reach it by `parts()`."""

    settings: Settings
    engine: Engine
    clock: Clock
    jobs: Jobs
    throttle: Throttle
    enqueue: Enqueue
    redis: Any


class NulCharacter(Malformed):
    code: ClassVar[str] = "nul_character"
    says: ClassVar[str] = "The request holds a NUL character, which no text has."


class Sessions(SecureCookieSessionInterface):
    """Sessions in signed cookies, never sent along with what caches share."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        return request.endpoint not in FOR_EVERYBODY and super().should_set_cookie(app, session)


class OnemarkFlask(Flask):
    """Flask with the transaction around each view."""

    session_interface = Sessions()

    def dispatch_request(self) -> Any:
        made_of: Parts = self.extensions["onemark"]
        with transaction(made_of.engine, tenant_id=None) as session:
            session.info["enqueue"] = made_of.enqueue
            session.info[catalogue_version.TELL] = partial(catalogue.announce, made_of.redis)
            g.db = session
            return super().dispatch_request()


def parts() -> Parts:
    found: Parts = current_app.extensions["onemark"]
    return found


def db() -> Session:
    """The session of this request."""
    session: Session = g.db
    return session


def create_app(made_of: Parts, *, blueprints: Callable[[Flask], None]) -> Flask:
    """`blueprints` registers the pages, so that this module knows none of them."""
    app = OnemarkFlask("web", static_folder="static", static_url_path="/static")
    secure = made_of.settings.environment == "production"
    app.config.update(
        SECRET_KEY=seals.derive(made_of.settings.secret_bytes, "onemark/web-session"),
        SESSION_COOKIE_NAME="om_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        PERMANENT_SESSION_LIFETIME=SESSION_LIFETIME,
        MAX_CONTENT_LENGTH=FORM_BYTES_MAX,
        BOOTSTRAP_SERVE_LOCAL=True,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
    )
    app.extensions["onemark"] = made_of
    # Only the edge can reach this process (loopback, or the compose network), and it sets these headers afresh.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    # First of all: what refuses a request before it reached a view, the token's check too, is named and counted like any other.
    app.before_request(_name_the_request)
    CSRFProtect(app)
    Bootstrap5(app)
    wording.install(app)
    app.jinja_env.globals.update(consumer_styles=inline_styles.consumer_styles, form_styles=inline_styles.form_styles)
    assets.install(app)
    app.before_request(_refuse_nul)
    # The last to run: what was registered first comes last.
    app.after_request(inline_styles.compress)
    app.after_request(_secure)
    app.after_request(_count)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(PoolTimeout, _database_away)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failed)
    blueprints(app)
    return app


def _name_the_request() -> None:
    clear_contextvars()
    trace = traces.of(request.headers.get(traces.HEADER, ""))
    bind_contextvars(process="web", request_id=trace.trace_id)
    g.began_s = perf_counter()


def _refuse_nul() -> None:
    """PostgreSQL stores no NUL: refused here once, it is no failure of whichever view would have asked for it."""
    sent = chain(request.args.items(multi=True), request.form.items(multi=True), (request.view_args or {}).items())
    if any("\x00" in str(part) for pair in sent for part in pair):
        raise NulCharacter


def _count(response: Response) -> Response:
    counters.ANSWERS.add(str(response.status_code))
    counters.ANSWER_S.observe(perf_counter() - g.began_s)
    return response


def _secure(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if parts().settings.environment == "production":
        response.headers.setdefault("Strict-Transport-Security", f"max-age={HSTS_S}")
    if request.endpoint not in FOR_EVERYBODY or response.status_code >= HTTPStatus.BAD_REQUEST:
        response.headers["Cache-Control"] = "no-store"
    return response


def asker() -> str:
    """Whose share of a limit for each address this request takes."""
    return visitors.address(request.remote_addr or "").share.hex()


def wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"], "text/html")
    return best != "text/html" or request.path.startswith("/api/")


def _refused(refusal: Refusal) -> tuple[Response, int]:
    if wants_json():
        answer = jsonify(refusals.problem(refusal, instance=request.path))
        answer.content_type = "application/problem+json"
    else:
        answer = current_app.make_response(render_template("refused.html", refusal=refusal, status=refusal.status))
    if "retry_after_s" in refusal.data:
        answer.headers["Retry-After"] = str(refusal.data["retry_after_s"])
    return answer, refusal.status


def _database_away(error: OperationalError | PoolTimeout) -> tuple[Response, int]:
    _log.error("the database does not answer", error=str(error))
    return _refused(refusals.Unavailable("The database does not answer. Please try again in a moment.", retry_after_s=5))


def _http_error(error: HTTPException) -> Any:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if error.response is not None or status < HTTPStatus.BAD_REQUEST:
        return error

    class Plain(Refusal):
        code = error.name.lower().replace(" ", "_")

    Plain.status = status
    return _refused(Plain(error.description or error.name))


def _failed(error: Exception) -> tuple[Response, int]:
    # Not the path: whoever holds the address of a report or a check may read it.
    _log.error("request failed", rule=request.url_rule and request.url_rule.rule, exc_info=error)

    class Failed(Refusal):
        code = "failed"
        status = HTTPStatus.INTERNAL_SERVER_ERROR

    return _refused(Failed("Something went wrong on our side. It has been noted."))
