"""What links may lead to and be called: hosts that an owner has allowed, and the brand's own vocabularies."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import StringField, SubmitField
from wtforms.validators import Length

from codegen.resolver_links import link_hosts, link_vocabularies
from codegen.resolver_links.link_types import NAMESPACE_LENGTH_MAX, PREFIX_LENGTH_MAX
from web.accounts import CONSOLE_ROLES, Role
from web.app import db
from web.console import desk
from web.console.forms import DeskForm, blaming, needed
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import gettext as _
from web.wording import lazy

HOST_LENGTH_MAX = 253


class HostForm(DeskForm):
    host = StringField(
        lazy("Host"),
        [needed(), Length(max=HOST_LENGTH_MAX)],
        description=lazy("As in www.example.com. Everything below it is allowed too."),
        render_kw={"autocomplete": "off", "autocapitalize": "none"},
    )
    allow = SubmitField(lazy("Allow host"))


class VocabularyForm(DeskForm):
    prefix = StringField(
        lazy("Prefix"), [needed(), Length(max=PREFIX_LENGTH_MAX)], description=lazy("Small letters, as in tea."),
        render_kw={"autocomplete": "off", "autocapitalize": "none"},
    )  # fmt: skip
    namespace = StringField(
        lazy("Namespace"),
        [needed(), Length(max=NAMESPACE_LENGTH_MAX)],
        description=lazy("An address of yours that ends with a slash, as in https://example.com/voc/."),
        render_kw={"autocomplete": "off", "inputmode": "url"},
    )
    define = SubmitField(lazy("Add vocabulary"))


@blueprint.get("/links/rules")
@admits(*CONSOLE_ROLES)
def links_rules() -> str:
    return _shown(HostForm(formdata=None), VocabularyForm(formdata=None))


@blueprint.post("/links/rules/hosts")
@admits(Role.OWNER)
def links_rules_allow() -> Response | tuple[str, int]:
    form = HostForm()
    if form.validate_on_submit():
        with blaming(form, {}, otherwise="host"):
            host = link_hosts.allow(db(), form.host.data, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor())
            flash(_("Links may lead to %(host)s now.", host=host), "success")
            return redirect(url_for("console.links_rules"))
    return _shown(form, VocabularyForm(formdata=None)), 422


@blueprint.post("/links/rules/hosts/remove")
@admits(Role.OWNER)
def links_rules_disallow() -> Response:
    host = request.form.get("host", "")
    link_hosts.disallow(db(), host, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor())
    flash(_("No phone is sent to %(host)s any more. Allow it again, and its links are back.", host=host), "success")
    return redirect(url_for("console.links_rules"))


@blueprint.post("/links/rules/vocabularies")
@admits(Role.OWNER)
def links_rules_define() -> Response | tuple[str, int]:
    form = VocabularyForm()
    if form.validate_on_submit():
        with blaming(form, {}, otherwise="namespace"):
            link_vocabularies.define(
                db(),
                prefix=form.prefix.data,
                namespace=form.namespace.data,
                tenant_id=desk.tenant_id(),
                now=desk.now(),
                actor=desk.actor(),
            )
            return redirect(url_for("console.links_rules"))
    return _shown(HostForm(formdata=None), form), 422


@blueprint.post("/links/rules/vocabularies/remove")
@admits(Role.OWNER)
def links_rules_forget() -> Response:
    prefix = request.form.get("prefix", "")
    link_vocabularies.forget(db(), prefix, tenant_id=desk.tenant_id(), now=desk.now(), actor=desk.actor())
    return redirect(url_for("console.links_rules"))


def _shown(host_form: HostForm, vocabulary_form: VocabularyForm) -> str:
    return render_template(
        "console/linking/rules.html",
        hosts=link_hosts.listing(db(), tenant_id=desk.tenant_id()),
        vocabularies=link_vocabularies.listing(db(), tenant_id=desk.tenant_id()),
        host_form=host_form,
        vocabulary_form=vocabulary_form,
    )
