"""What holds on every route of the application, whoever added it: no input is a failure of ours, no form works without its token."""

import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kit.ids import uuid7
from kit.settings import Settings
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.phones import Phone, join, offer, phone

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
QUERIES = ("after", "cursor", "days", "level", "phone", "code", "row", "lang", "next", "gtin", "quantity", "lot", "profile")
FORM = {
    "email": "somebody@brand.example",
    "password": "a long enough password",
    "name": "Name",
    "name_zh": "",
    "description": "",
    "quantity": "5",
    "lot": "L1",
    "kind": "item_outer",
    "profile": "gs1",
    "request_id": "r9",
    "which": "rows",
    "first": "1",
    "last": "2",
    "reason": "x",
    "do": "y",
    "revision": "1",
    "starts_at": "2026-11-01T00:00",
    "ends_at": "2026-12-01T00:00",
    "points": "5",
    "distributor_id": "D7",
    "divisions": "",
    "role": "marketer",
    "phone": "13900139000",
    "step": "join",
    "code": "123456",
    "service": "yes",
    "version": "2026-11",
    "purpose": "marketing",
    "granted": "yes",
    "current": "a long enough password",
    "chosen": "another long enough password",
}
ABSURD = ("a\x00b", "9" * 18, "9" * 5_000, "0001-01-01T00:00", "9999-12-31T23:59", "//[a\r\nb")
POSTED_WITHOUT_A_PAGE = ("ticket", "export_id", "purpose", "granted", "version", "phone", "code", "step", "reason")
FIELD = re.compile(r'<(?:input|select|textarea)[^>]* name="([a-z_-]+)"')


@pytest.fixture
def alice(app: Flask, settings: Settings, furnished: Furnished, database: Database) -> Phone:
    joined = phone(app, settings)
    join(joined, joined.ticket(furnished, now=NOW), database, tenant_id=furnished.tenant_id)
    return joined


@pytest.fixture
def known(furnished: Furnished, database: Database, alice: Phone) -> dict[str, str]:
    """What the parameters of addresses may be."""
    return {
        "order_id": str(furnished.order_id),
        "campaign_id": str(offer(database, tenant_id=furnished.tenant_id, now=NOW)),
        "ticket": alice.ticket(furnished, now=NOW),
        "row": "1",
        "state": "frozen",
        "distributor_id": "D1",
        "lot": furnished.lot,
        "gtin": furnished.gtin,
        "epoch": "0",
        "counter": "1",
        "step": "end",
        "filename": "desk.css",
        "release": "1",
    }


def addresses(app: Flask, method: str) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()) and not rule.rule.endswith("sign-out"):
            yield rule.rule


def filled(address: str, known: dict[str, str], **others: str) -> str:
    return PARAMETER.sub(
        lambda found: quote(_bytes(others.get(found[1], known.get(found[1], str(uuid7(NOW))))), safe=""), address
    )


def who(address: str, *, owner: FlaskClient, distributor: FlaskClient, alice: Phone) -> FlaskClient:
    if address.startswith("/console"):
        return owner
    return distributor if address.startswith("/portal") else alice.client


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("absurd", ABSURD, ids=lambda text: repr(text[:12]))
def test_no_text_in_an_address_or_a_form_is_a_failure_of_ours(
    app: Flask,
    furnished: Furnished,
    owner: FlaskClient,
    distributor: FlaskClient,
    alice: Phone,
    known: dict[str, str],
    absurd: str,
) -> None:
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    failed = []

    def send(client: FlaskClient, method: str, address: str, form: dict[str, str] | None = None) -> None:
        body = None if form is None else urlencode({name: _bytes(value) for name, value in form.items()})
        with client.open(address, method=method, data=body, content_type="application/x-www-form-urlencoded") as answer:
            if answer.status_code >= 500:
                failed.append((method, address[:200], answer.status_code))

    query = urlencode({name: _bytes(absurd) for name in QUERIES})
    for address in addresses(app, "GET"):
        client = who(address, owner=owner, distributor=distributor, alice=alice)
        send(client, "GET", f"{filled(address, known)}?{query}")
        for name in PARAMETER.findall(address):
            send(client, "GET", filled(address, known, **{name: absurd}))
    for address in addresses(app, "POST"):
        client = who(address, owner=owner, distributor=distributor, alice=alice)
        send(client, "POST", filled(address, known), {})
        form = {**FORM, "gtin": furnished.gtin, "ticket": known["ticket"]}
        with client.get(filled(address, known)) as page:
            fields = sorted(set(FIELD.findall(page.get_data(as_text=True)))) or POSTED_WITHOUT_A_PAGE
        for name in fields:
            # Hidden ids are new with each form, as pages draw them.
            ids = {"campaign_id": str(uuid7(NOW)), "export_id": str(uuid7(NOW))}
            send(client, "POST", filled(address, known), {**form, **ids, "submit": "y", name: absurd})
    assert failed == []


def test_no_form_works_without_its_token(
    app: Flask, owner: FlaskClient, distributor: FlaskClient, alice: Phone, known: dict[str, str]
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    for address in addresses(app, "POST"):
        client = who(address, owner=owner, distributor=distributor, alice=alice)
        answer = client.post(filled(address, known), data=FORM)
        assert answer.status_code == 400, address


def test_what_any_cache_may_keep_carries_nobodys_session(owner: FlaskClient) -> None:
    for address in ("/static/desk.css", "/assets/echarts-1.js"):
        with owner.get(address) as answer:
            assert "public" in answer.headers["Cache-Control"]
            assert "Set-Cookie" not in answer.headers, address
    assert owner.get("/console/").headers["Cache-Control"] == "no-store"


def test_everything_else_is_kept_by_nobody(
    app: Flask, owner: FlaskClient, distributor: FlaskClient, alice: Phone, known: dict[str, str]
) -> None:
    for address in addresses(app, "GET"):
        if address.startswith(("/static", "/assets", "/bootstrap")):
            continue
        client = who(address, owner=owner, distributor=distributor, alice=alice)
        with client.get(filled(address, known)) as answer:
            assert answer.headers["Cache-Control"] in {"no-store", "no-cache"}, address
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
