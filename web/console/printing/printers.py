"""Printer partners: printers, cap makers and label houses, how files for them are locked, and what each of them was given.

Promises: a passphrase is sealed when it arrives and never shown again. A partner's name stays, because a leaked code names it.
"""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField, StringField, SubmitField, TextAreaField
from wtforms.validators import Length

from codegen.print_packages import package_lists
from codegen.print_packages.guarding import recipients
from codegen.print_packages.guarding.recipients import CONTACT_LENGTH_MAX, NAME_LENGTH_MAX, Recipient, RecipientUnknown
from codegen.print_packages.guarding.sealed_files import PASSPHRASE_LENGTH_MIN
from web.accounts import CONSOLE_ROLES
from web.app import db, parts
from web.console import desk
from web.console.forms import DeskForm, blame, blaming, needed, options
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

KEY_LENGTH_MAX = 2000
PASSPHRASE_LENGTH_MAX = 200
OPEN, PASSPHRASE, PUBLIC_KEY = "", "passphrase", "x25519"
LOCKS = {
    PASSPHRASE: lazy("Passphrase"),
    PUBLIC_KEY: lazy("Public key"),
    OPEN: lazy("Not locked"),
}
_FIELDS = {
    "passphrase_too_short": "passphrase",
    "recipient_key_malformed": "public_key",
}


class PrinterForm(DeskForm):
    name = StringField(
        lazy("Name"),
        [needed(), Length(max=NAME_LENGTH_MAX)],
        description=lazy("As it should be named when one of its codes turns up where it should not. It cannot be changed later."),
        render_kw={"autocomplete": "off", "autofocus": True},
    )
    contact = StringField(
        lazy("Contact"), [Length(max=CONTACT_LENGTH_MAX)], description=lazy("Whom to call: a person, a number, an address.")
    )
    lock = RadioField(
        lazy("How files for them are locked"),
        choices=options(
            {
                PASSPHRASE: lazy("With a passphrase that you tell them by another way than the file"),
                PUBLIC_KEY: lazy("With their public key: nobody but they can open the file, and no secret travels"),
                OPEN: lazy("Not at all: only for a printer in your own house"),
            }
        ),
        default=PASSPHRASE,
    )
    passphrase = PasswordField(
        lazy("Passphrase"),
        [Length(max=PASSPHRASE_LENGTH_MAX)],
        description=lazy("At least 12 characters. It is kept sealed and never shown again: note it down now."),
        render_kw={"autocomplete": "new-password"},
    )
    public_key = TextAreaField(
        lazy("Public key"),
        [Length(max=KEY_LENGTH_MAX)],
        description=lazy(
            "An X25519 key in PEM, beginning with -----BEGIN PUBLIC KEY-----. They make one with: openssl genpkey -algorithm X25519 -out key.pem; "
            "openssl pkey -in key.pem -pubout"
        ),
        render_kw={"rows": 4, "class": "code", "autocomplete": "off"},
    )
    submit = SubmitField(lazy("Add printer"))


@blueprint.get("/printers", endpoint="printers")
@admits(*CONSOLE_ROLES)
def printers_list() -> str:
    tenant_id = desk.tenant_id()
    return render_template(
        "console/printing/printers.html",
        printers=recipients.listing(db(), tenant_id=tenant_id),
        given=package_lists.given(db(), tenant_id=tenant_id),
        lock_names=LOCKS,
    )


@blueprint.route("/printers/new", methods=["GET", "POST"])
@admits(*CONSOLE_ROLES)
def printers_new() -> Response | str | tuple[str, int]:
    form = PrinterForm()
    if form.validate_on_submit() and _has_its_lock(form):
        with blaming(form, _FIELDS, otherwise="name"):
            added = recipients.add(
                db(),
                tenant_id=desk.tenant_id(),
                name=form.name.data.strip(),
                contact=form.contact.data.strip(),
                passphrase=form.passphrase.data if form.lock.data == PASSPHRASE else None,
                public_key=_pem(form.public_key.data) if form.lock.data == PUBLIC_KEY else None,
                kek=parts().settings.kek_bytes,
                now=desk.now(),
                actor=desk.actor(),
            )
            flash(_("%(name)s can be given packages now.", name=added.name), "success")
            return redirect(url_for("console.printers_one", printer_id=added.id))
    return render_template("console/printing/printer_new.html", form=form), 422 if form.errors else 200


@blueprint.get("/printers/<uuid:printer_id>")
@admits(*CONSOLE_ROLES)
def printers_one(printer_id: UUID) -> str:
    """Who had what: every package that this partner was ever given."""
    page = package_lists.page(db(), tenant_id=desk.tenant_id(), recipient_id=printer_id, cursor=request.args.get("after"))
    return render_template(
        "console/printing/printer.html",
        printer=_printer(printer_id),
        page=page,
        fetched=package_lists.fetched(db(), [one.id for one in page.packages], tenant_id=desk.tenant_id()),
        given=package_lists.given(db(), tenant_id=desk.tenant_id()).get(printer_id),
        lock_names=LOCKS,
        is_first="after" not in request.args,
    )


def _printer(printer_id: UUID) -> Recipient:
    for one in recipients.listing(db(), tenant_id=desk.tenant_id()):
        if one.id == printer_id:
            return one
    raise RecipientUnknown(name=str(printer_id))


def _has_its_lock(form: PrinterForm) -> bool:
    if form.lock.data == PASSPHRASE and len(form.passphrase.data) < PASSPHRASE_LENGTH_MIN:
        blame(form, "passphrase", _("A passphrase has at least %(length)s characters.", length=PASSPHRASE_LENGTH_MIN))
        return False
    if form.lock.data == PUBLIC_KEY and not form.public_key.data.strip():
        blame(form, "public_key", _("Paste the key that they sent you."))
        return False
    return True


def _pem(typed: str) -> str:
    """Browsers send line ends as they like."""
    return "\n".join(line.strip() for line in typed.strip().splitlines()) + "\n"
