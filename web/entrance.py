"""The door for staff: sign in, sign out, choose a new password. Marketers go on to the console, distributors to the portal."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, SubmitField
from wtforms.validators import InputRequired, Length

from kit import seals
from kit.refusals import Refusal
from scanservice import insiders
from scanservice.verdicts import Role as ScanRole
from web import accounts, known_devices
from web.accounts import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Role, StaffMember
from web.app import asker, db, parts
from web.signed_in import admits, close_session, open_session, safe_next, staff
from web.wording import explained, lazy
from web.wording import gettext as _

TRIES_PER_ADDRESS = "30/15 minutes"
TRIES_PER_ACCOUNT = "8/15 minutes"

blueprint = Blueprint("entrance", __name__)


class SignInForm(FlaskForm):  # type: ignore[misc]
    email = EmailField(
        lazy("E-mail"), [InputRequired(lazy("Please fill this in."))], render_kw={"autocomplete": "username", "autofocus": True}
    )
    password = PasswordField(
        lazy("Password"), [InputRequired(lazy("Please fill this in."))], render_kw={"autocomplete": "current-password"}
    )
    submit = SubmitField(lazy("Sign in"))


class PasswordForm(FlaskForm):  # type: ignore[misc]
    current = PasswordField(
        lazy("Current password"), [InputRequired(lazy("Please fill this in."))], render_kw={"autocomplete": "current-password"}
    )
    chosen = PasswordField(
        lazy("New password"),
        [
            InputRequired(lazy("Please fill this in.")),
            Length(PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX, lazy("From %(min)d to %(max)d characters.")),
        ],
        render_kw={"autocomplete": "new-password", "minlength": PASSWORD_CHARS_MIN},
    )
    submit = SubmitField(lazy("Change password"))


def home_of(member: StaffMember) -> str:
    return url_for("portal.goods" if member.role is Role.DISTRIBUTOR else "console.dashboard")


@blueprint.get("/")
@admits(*Role)
def start() -> Response:
    """Home, for whoever is signed in."""
    return redirect(home_of(staff()))


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Response | str | tuple[str, int]:
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("sign_in.html", form=form)
    throttle, address = parts().throttle, form.email.data.strip().lower()
    try:
        throttle.take("sign_in_from", asker(), at_most=TRIES_PER_ADDRESS)
        device = known_devices.known(address)
        throttle.take("sign_in_on" if device else "sign_in_as", device or address, at_most=TRIES_PER_ACCOUNT)
        member = accounts.sign_in(db(), email=form.email.data, password=form.password.data)
    except Refusal as refusal:
        form.password.errors = [*form.password.errors, explained(refusal)]
        return render_template("sign_in.html", form=form), refusal.status
    open_session(member)
    response = redirect(safe_next(request.args.get("next"), otherwise=home_of(member)))
    known_devices.remember(response, member.email)
    _name_insider(response, member)
    return response


def _name_insider(response: Response, member: StaffMember) -> None:
    """From now on this browser's scans are those of the trade: nobody's stranger."""
    response.set_cookie(
        insiders.COOKIE,
        insiders.seal(
            ScanRole.SHOP if member.role is Role.DISTRIBUTOR else ScanRole.STAFF,
            tenant_id=member.tenant_id,
            now=parts().clock.now(),
            key=seals.derive(parts().settings.secret_bytes, insiders.KEY_PURPOSE),
        ),
        max_age=insiders.COOKIE_S,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )


@blueprint.post("/sign-out")
def sign_out() -> Response:
    close_session()
    response = redirect(url_for("entrance.sign_in"))
    response.delete_cookie(insiders.COOKIE)
    return response


@blueprint.route("/password", methods=["GET", "POST"])
@admits(*Role)
def password() -> Response | str | tuple[str, int]:
    form = PasswordForm()
    if not form.validate_on_submit():
        return render_template("password.html", form=form)
    parts().throttle.take("password_change", str(staff().id), at_most=TRIES_PER_ACCOUNT)
    try:
        accounts.sign_in(db(), email=staff().email, password=form.current.data)
        accounts.change_password(db(), tenant_id=staff().tenant_id, staff_id=staff().id, password=form.chosen.data)
    except Refusal as refusal:
        form.current.errors = [*form.current.errors, explained(refusal)]
        return render_template("password.html", form=form), refusal.status
    open_session(accounts.find(db(), tenant_id=staff().tenant_id, staff_id=staff().id))
    flash(_("Your password is changed. Other devices have been signed out."), "success")
    return redirect(home_of(staff()))
