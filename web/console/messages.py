"""The outbox of text messages, for development: the embedded default sends none and shows them here, one-time codes included."""

from flask import render_template

from crm import messages
from crm.messages import ConsoleProvider
from kit.refusals import NotFound
from web.accounts import CONSOLE_ROLES
from web.app import db
from web.console import desk
from web.console.routes import blueprint
from web.signed_in import admits
from web.wording import lazy

STATES = {"queued": lazy("Waiting"), "sent": lazy("Done"), "failed": lazy("Not sent")}


class MessagesNotShown(NotFound):
    code = "messages_not_shown"
    says = "Text messages are sent by a provider and are not shown here."


@blueprint.get("/messages", endpoint="messages")
@admits(*CONSOLE_ROLES)
def messages_list() -> str:
    if not desk.shows_messages():
        raise MessagesNotShown
    rows = messages.recent(db(), tenant_id=desk.tenant_id(), keys=desk.personal_keys(), provider=ConsoleProvider())
    return render_template("console/messages.html", rows=rows, message_states=STATES)
