"""Who may open what: roles, and staff of another brand."""

import io
import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codegen.code_lists import exports
from codegen.labels import library
from codegen.resolver_links import link_hosts, links
from codegen.resolver_links.link_drafts import Draft
from codegen.resolver_links.link_table import Anchor
from crm import profile
from crm.identities import PersonalKeys
from kit.db import transaction
from kit.ids import uuid7
from kit.settings import Settings
from scanservice import api_keys
from scanservice.api_keys import Scope
from scanservice.verdicts import Standing
from tests.codegen.labels.test_logos import picture
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished, Join, sign_in
from tests.web.phones import join, offer, phone
from tests.web.test_console_printing import add_printer, make, save_label
from tests.web.watch.strange_scans import found, strange_scan
from web.accounts import Role

PAGES = (
    "/console/",
    "/console/products",
    "/console/products/new",
    "/console/orders",
    "/console/orders/new",
    "/console/orders/new/preview",
    "/console/codes",
    "/console/campaigns",
    "/console/campaigns/new",
    "/console/consumers",
    "/console/distributors",
    "/console/distributors/new",
    "/console/links",
    "/console/links/rules",
    "/console/messages",
    "/console/anomalies",
    "/console/audit",
    "/console/labels",
    "/console/labels/new",
    "/console/packages",
    "/console/printers",
    "/console/printers/new",
    "/console/reports",
)
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
OWNERS_PAGES = ("/console/staff", "/console/staff/new", "/console/api-keys", "/console/keys")


@pytest.mark.parametrize("path", PAGES + OWNERS_PAGES)
def test_strangers_are_sent_to_the_door_and_distributors_are_refused(app: Flask, distributor: FlaskClient, path: str) -> None:
    stranger = app.test_client().get(path)
    assert stranger.status_code == 302
    assert stranger.location.startswith("/sign-in?next=")
    refused = distributor.get(path)
    assert refused.status_code == 403
    assert "Your role does not open this page." in refused.text


def test_a_marketer_opens_everything_but_staff(marketer: FlaskClient, owner: FlaskClient, hire: Join) -> None:
    for path in PAGES:
        assert marketer.get(path).status_code == 200, path
    colleague = hire(Role.MARKETER)
    for path in OWNERS_PAGES:
        assert marketer.get(path).status_code == 403
        assert owner.get(path).status_code == 200
    for step in ("password", "disable", "enable"):
        assert marketer.post(f"/console/staff/{colleague.id}/{step}").status_code == 403
    assert "/console/staff" not in marketer.get("/console/products").text


def test_what_belongs_to_another_brand_is_not_there(
    app: Flask,
    hire: Join,
    furnished: Furnished,
    other_furnished: Furnished,
    database: Database,
    settings: Settings,
) -> None:
    """Charlie owns another brand and has seen addresses of this one."""
    charlie = sign_in(app.test_client(), hire(Role.OWNER, tenant_id=other_furnished.tenant_id))
    somebody = hire(Role.MARKETER)
    export_id, campaign_id, consumer_id = _treasures(app, furnished, database, settings)
    order = f"/console/orders/{furnished.order_id}"
    for path in (
        order,
        f"{order}/codes.csv",
        f"{order}/symbols/1.svg",
        f"{order}/symbols/1.png",
        f"{order}/code?row=1",
        f"/console/exports/{export_id}",
        f"/console/exports/{export_id}/file",
        f"/console/campaigns/{campaign_id}",
        f"/console/campaigns/{campaign_id}/edit",
        f"/console/consumers/{consumer_id}",
    ):
        answer = charlie.get(path)
        assert answer.status_code == 404, path
        assert "There is nothing here" in answer.text
    for path, form in (
        (f"{order}/decide/void", {"first": "1", "last": "1", "reason": "x", "lot": "L1", "submit": "y"}),
        (f"{order}/exports", {"export_id": str(uuid7(NOW))}),
        (f"/console/exports/{export_id}/retry", {}),
        (f"/console/campaigns/{campaign_id}/end", {}),
        (f"/console/staff/{somebody.id}/password", {}),
        (f"/console/staff/{somebody.id}/disable", {}),
        (f"/console/staff/{somebody.id}/enable", {}),
    ):
        assert charlie.post(path, data=form).status_code == 404, path
    assert furnished.gtin not in charlie.get("/console/products").text
    assert str(consumer_id) not in charlie.post("/console/consumers", data={"phone": "13800138000"}).text
    found = charlie.get("/console/codes", query_string={"code": furnished.serial(1)}).text
    assert "Not genuine" in found or "Not one of this brand" in found
    assert str(furnished.order_id) not in found


def test_whatever_has_an_id_is_there_for_its_brand_alone(
    app: Flask,
    hire: Join,
    owner: FlaskClient,
    furnished: Furnished,
    other_furnished: Furnished,
    database: Database,
    settings: Settings,
) -> None:
    """Every address of the console that names something, with the ids of things that are there."""
    charlie = sign_in(app.test_client(), hire(Role.OWNER, tenant_id=other_furnished.tenant_id))
    ids = _belongings(app, owner, furnished, database, settings) | {"staff_id": str(hire(Role.MARKETER).id)}
    owners_own = {"epoch", "counter", "step", "state", "row", "number"}
    tried = set()
    for rule in app.url_map.iter_rules():
        names = set(rule.arguments)
        if not rule.rule.startswith("/console/") or not names & set(ids):
            continue
        assert names <= set(ids) | owners_own, f"{rule.rule}: say what it names"
        path = PARAMETER.sub(lambda found: ids.get(found[1], {"step": "end", "state": "frozen"}.get(found[1], "1")), rule.rule)
        for method in {"GET", "POST"} & (rule.methods or set()):
            # What is gone may be removed again, and so may what never was there.
            expected = 302 if rule.rule == "/console/labels/<uuid:template_id>/remove" else 404
            with charlie.open(path, method=method, data={"submit": "y", "export_id": str(uuid7(NOW))}) as answer:
                assert answer.status_code == expected, (method, path)
        tried.add(rule.rule)
    assert len(tried) > len(ids)
    assert owner.get(f"/console/labels/{ids['template_id']}").status_code == 200


def test_a_distributor_of_another_brand_is_not_there(app: Flask, hire: Join, furnished: Furnished, database: Database) -> None:
    client = sign_in(app.test_client(), hire(Role.MARKETER))
    assert client.get("/console/distributors/D9").status_code == 404
    assert client.get("/console/distributors/D1").status_code == 200


@pytest.mark.parametrize("path", ["/console/orders/1", "/console/orders/../staff", "/console/consumers/x", "/console/nothing"])
def test_addresses_that_lead_nowhere_get_a_page(marketer: FlaskClient, path: str) -> None:
    answer = marketer.get(path)
    assert answer.status_code in {403, 404}
    assert "</html>" in answer.text


def _belongings(app: Flask, owner: FlaskClient, furnished: Furnished, database: Database, settings: Settings) -> dict[str, str]:
    """One of everything that an address of the console may name, by the name of its parameter."""
    export_id, campaign_id, consumer_id = _treasures(app, furnished, database, settings)
    printer = add_printer(owner)
    package = make(owner, furnished)
    save_label(owner, name="ours")
    strange_scan(database, furnished, Standing.VOID, row=2)
    (anomaly,) = found(database, furnished)
    alice = phone(app, settings)
    report_id, link_id, key_id = uuid7(NOW), uuid7(NOW), uuid7(NOW)
    photo = {"report_id": str(report_id), "photos": [(io.BytesIO(picture()), "a.png")]}
    ticket = alice.ticket(furnished, now=NOW)
    assert alice.client.post(f"/report/{ticket}", data=photo, content_type="multipart/form-data").status_code == 303
    common: dict[str, Any] = {"tenant_id": furnished.tenant_id, "now": NOW, "actor": "test"}
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        template_id = library.listing(session, tenant_id=furnished.tenant_id)[0].id
        link_hosts.allow(session, "www.example.com", **common)
        draft = Draft(link_type="gs1:pip", href="https://www.example.com/", title="Tea")
        links.add(session, Anchor(gtin=furnished.gtin), draft, link_id=link_id, **common)
        api_keys.add(session, key_id=key_id, name="till", scopes=[Scope.SHOP], **common)
    return {
        "order_id": str(furnished.order_id),
        "export_id": str(export_id),
        "campaign_id": str(campaign_id),
        "consumer_id": str(consumer_id),
        "printer_id": printer.rpartition("/")[2],
        "package_id": package.rpartition("/")[2],
        "template_id": str(template_id),
        "anomaly_id": str(anomaly.id),
        "report_id": str(report_id),
        "link_id": str(link_id),
        "key_id": str(key_id),
        "gtin": furnished.gtin,
    }


def _treasures(app: Flask, furnished: Furnished, database: Database, settings: Settings) -> tuple[UUID, UUID, UUID]:
    """An export, a campaign and a consumer of the test's brand."""
    export_id = uuid7(NOW)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        exports.request(
            session, tenant_id=furnished.tenant_id, export_id=export_id, order_id=furnished.order_id, now=NOW, actor="test"
        )
    campaign_id = offer(database, tenant_id=furnished.tenant_id, now=NOW)
    alice = phone(app, settings)
    join(alice, alice.ticket(furnished, now=NOW), database, tenant_id=furnished.tenant_id)
    keys = PersonalKeys.derive(settings.secret_bytes)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        consumer_id = profile.page(session, tenant_id=furnished.tenant_id, keys=keys, now=NOW).rows[0].id
    return export_id, campaign_id, consumer_id
