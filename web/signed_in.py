"""Who is asking: the staff member or consumer of a session, checked again at every request.

A session names a person and the epoch it was opened under; the row in the database decides. Views declare whom they admit.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from flask import g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from kit.db import enter_tenant
from kit.refusals import Forbidden
from web import accounts
from web.accounts import Role, StaffMember
from web.app import db, parts

P = ParamSpec("P")
R = TypeVar("R")

IDLE_S_MAX = 12 * 3600
SESSION_S_MAX = 7 * 24 * 3600
SEEN_EVERY_S = 60


class RoleMissing(Forbidden):
    code = "role_missing"
    says = "Your role does not open this page."


def open_session(member: StaffMember) -> None:
    """A new sign-in drops what an earlier person left in the browser's session, apart from a consumer's own."""
    kept = {key: session[key] for key in ("consumer",) if key in session}
    session.clear()
    session.update(kept)
    session.permanent = True
    now_s = int(parts().clock.now().timestamp())
    session["staff"] = {
        "tenant": member.tenant_id,
        "id": str(member.id),
        "epoch": member.session_epoch,
        "opened": now_s,
        "seen": now_s,
    }


def close_session() -> None:
    session.pop("staff", None)


def staff() -> StaffMember:
    member: StaffMember = g.staff
    return member


def _current() -> StaffMember | None:
    kept = session.get("staff")
    if not kept:
        return None
    now_s = int(parts().clock.now().timestamp())
    if now_s - kept["seen"] > IDLE_S_MAX or now_s - kept["opened"] > SESSION_S_MAX:
        return None
    enter_tenant(db(), kept["tenant"])
    try:
        member = accounts.find(db(), tenant_id=kept["tenant"], staff_id=UUID(kept["id"]))
    except accounts.StaffUnknown:
        return None
    if member.disabled or member.session_epoch != kept["epoch"]:
        return None
    if now_s - kept["seen"] > SEEN_EVERY_S:
        session["staff"] = {**kept, "seen": now_s}
    return member


def admits(*roles: Role) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """The view runs for these roles alone; others are sent to sign in, or told that their role is not enough."""

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            member = _current()
            if member is None:
                close_session()
                return redirect(url_for("entrance.sign_in", next=request.full_path if request.method == "GET" else None))
            g.staff = member
            g.staff_language = member.language
            if member.role not in roles:
                raise RoleMissing
            return view(*args, **kwargs)

        return guarded

    return decorate


def safe_next(wanted: str | None, *, otherwise: str) -> str:
    """A path on this host, or `otherwise`: never another site."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or not wanted.isprintable():
        return otherwise
    split = urlsplit(wanted)
    return otherwise if split.scheme or split.netloc or "\\" in wanted else wanted
