"""Every blueprint of the application, and what each page of the desk shows in its frame."""

from flask import Flask, g

from codegen import brands
from web import entrance
from web.app import db
from web.console import blueprint as console
from web.consumer import blueprint as consumer
from web.portal import blueprint as portal


def register(app: Flask) -> None:
    for blueprint in (entrance.blueprint, console, consumer, portal):
        app.register_blueprint(blueprint)
    app.context_processor(_frame)


def _frame() -> dict[str, object]:
    member = g.get("staff")
    if member is None:
        return {}
    return {
        "me": member,
        "home": entrance.home_of(member),
        # Asked for by the frame alone: the page of a refusal is made after the transaction and has no tenant to look in.
        "brand_name": lambda: brands.load(db(), tenant_id=member.tenant_id).name,
    }
