"""Links in the console, and the page of a product that the resolver sends people to."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codegen.resolver_links import link_hosts, link_vocabularies, links
from codegen.resolver_links.link_table import Role as LinkRole
from codegen.resolver_links.links import LinkRecord
from kit.db import transaction
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished, Join, sign_in
from web.accounts import Role

HOST = "www.tea-brand.example.com"


@pytest.fixture
def allowed(database: Database, furnished: Furnished) -> Furnished:
    """The brand with a host that links may lead to, and a vocabulary of its own."""
    common: dict[str, Any] = {"tenant_id": furnished.tenant_id, "now": NOW, "actor": "test"}
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        link_hosts.allow(session, HOST, **common)
        link_vocabularies.define(session, prefix="tea", namespace="https://tea.example.com/voc/", **common)
    return furnished


def form(client: FlaskClient, address: str, **typed: Any) -> dict[str, Any]:
    page = client.get(address).text
    found = {name: re.search(rf'name="{name}" type="hidden" value="([^"]*)"', page) for name in ("link_id", "revision")}
    return {
        **{name: match[1] for name, match in found.items() if match},
        "link_type": "gs1:recipeInfo",
        "href": f"https://{HOST}/rezepte",
        "title": "Rezepte",
        "languages": "de, fr",
        "media_type": "text/html",
        "contexts": "",
        "role": "plain",
        "valid_from": "",
        "valid_until": "",
        "place": "",
        "passes_query": "y",
        **typed,
    }


def kept(database: Database, brand: Furnished) -> list[LinkRecord]:
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        return links.listing(session, tenant_id=brand.tenant_id, gtin=brand.gtin)


def test_a_link_is_added_changed_removed_and_brought_back(marketer: FlaskClient, allowed: Furnished, database: Database) -> None:
    listed = f"/console/links/{allowed.gtin}"
    assert "No links yet" in marketer.get(listed).text
    filled = form(marketer, f"{listed}/new", valid_until="2026-12-31T23:59")
    for _ in range(2):  # sent twice, one link
        assert marketer.post(f"{listed}/new", data=filled).status_code == 302
    (record,) = kept(database, allowed)
    assert (record.link.languages, record.link.title) == (("de", "fr"), "Rezepte")
    assert record.link.valid_until is not None
    assert record.link.valid_until.isoformat() == "2026-12-31T15:59:00+00:00", "on the brand's clock"

    address = f"{listed}/{record.id}"
    changed = form(marketer, address, title="Kochen", role="default")
    assert marketer.post(address, data=changed).status_code == 302
    late = marketer.post(address, data={**changed, "title": "Too late"})
    assert late.status_code == 422
    assert "Somebody else changed this link meanwhile" in late.text
    (record,) = kept(database, allowed)
    assert (record.link.title, record.link.role) == ("Kochen", LinkRole.DEFAULT)
    assert "Kochen" in marketer.get(listed).text

    gone = marketer.post(f"{address}/remove")
    assert gone.status_code == 302
    page = marketer.get(gone.location).text
    assert kept(database, allowed) == []
    assert f"{address}/restore" in page
    assert marketer.get(address).status_code == 404
    assert marketer.post(f"{address}/restore").status_code == 302
    assert [one.link.title for one in kept(database, allowed)] == ["Kochen"]


def test_what_is_wrong_is_said_beside_its_field(marketer: FlaskClient, allowed: Furnished, database: Database) -> None:
    address = f"/console/links/{allowed.gtin}/new"
    for typed, said in (
        ({"href": "javascript:alert(1)"}, "An address begins with https://."),
        ({"href": "https://evil.example/"}, "Links may not lead to evil.example yet"),
        ({"title": ""}, "Please fill this in."),
        ({"languages": "Deutsch"}, "is no language here"),
        ({"valid_from": "2026-12-01T00:00", "valid_until": "2026-11-01T00:00"}, "A link ends after it begins."),
        ({"valid_until": "0001-01-01T00:00"}, "Choose years from 2000 to 2199."),
        ({"lot": "L 1"}, "is no lot"),
        ({"serial": "0816MZTTBH7PFP77PTNS"}, "that could have links of its own"),
        ({"serial": allowed.serial(1), "role": "default"}, "default is its verification"),
        ({"link_type": "own", "own_type": "tea:a b"}, "is no link type"),
        ({"link_type": "gs1:verificationService"}, "Not a valid choice"),
    ):
        answer = marketer.post(address, data=form(marketer, address, **typed))
        assert (answer.status_code, said in answer.text.replace("&#39;", "'")) == (422, True), typed
    assert kept(database, allowed) == []
    typed = {"link_type": "own", "own_type": "tea:brewing", "serial": allowed.serial(1)}
    assert marketer.post(address, data=form(marketer, address, **typed)).status_code == 302
    (record,) = kept(database, allowed)
    assert (record.link.type, record.anchor.serial) == ("https://tea.example.com/voc/brewing", allowed.serial(1))
    assert "tea:brewing" in marketer.get(f"/console/links/{allowed.gtin}/{record.id}").text


def test_a_preview_tells_what_a_phone_would_get(marketer: FlaskClient, allowed: Furnished) -> None:
    listed = f"/console/links/{allowed.gtin}"
    for typed in ({}, {"href": f"https://{HOST}/recipes", "title": "Recipes", "languages": "en"}):
        marketer.post(f"{listed}/new", data=form(marketer, f"{listed}/new", **typed))

    def tried(**asked: str) -> str:
        return marketer.get(listed, query_string={"try": "1", **asked}).text

    assert "It is sent to “Rezepte”" in tried(type="gs1:recipeInfo", language="de-CH, en")
    assert "It is sent to “Recipes”" in tried(type="gs1:recipeInfo", language="en", lot="L1")
    assert "It is sent to “Tea”" in tried()
    assert "there is no link of this type" in tried(type="gs1:epil")
    assert "The verdict of the item" in tried(serial=allowed.serial(1))
    assert "It is sent to “Rezepte”" in tried(serial=allowed.serial(1), type="gs1:recipeInfo", language="fr")
    assert "is no lot" in tried(lot="L 1").replace("&#39;", "'")
    marketer.post(f"{listed}/new", data=form(marketer, f"{listed}/new", href=f"https://{HOST}/2"))
    assert "It has to choose" in tried(type="gs1:recipeInfo", language="de")


def test_owners_say_where_links_may_lead(owner: FlaskClient, marketer: FlaskClient, furnished: Furnished) -> None:
    rules = "/console/links/rules"
    assert "No host is allowed yet" in marketer.get(f"/console/links/{furnished.gtin}/new").text
    assert marketer.get(rules).status_code == 200
    for path, data in (
        ("hosts", {"host": HOST}),
        ("hosts/remove", {"host": HOST}),
        ("vocabularies", {"prefix": "tea", "namespace": "https://tea.example.com/voc/"}),
        ("vocabularies/remove", {"prefix": "tea"}),
    ):
        assert marketer.post(f"{rules}/{path}", data=data).status_code == 403
        assert owner.post(f"{rules}/{path}", data=data).status_code == 302, path
    for path, data, said in (
        ("hosts", {"host": "127.0.0.1"}, "public name"),
        ("vocabularies", {"prefix": "gs1", "namespace": "https://tea.example.com/voc/"}, "A prefix is"),
        ("vocabularies", {"prefix": "tea", "namespace": "http://x/"}, "A namespace of your own is"),
    ):
        answer = owner.post(f"{rules}/{path}", data=data)
        assert (answer.status_code, said in answer.text) == (422, True)
    assert owner.post(f"{rules}/hosts/remove", data={"host": "never.example"}).status_code == 404


def test_links_of_another_brand_are_not_there(
    app: Flask, marketer: FlaskClient, hire: Join, allowed: Furnished, other_furnished: Furnished, database: Database
) -> None:
    """Charlie owns another brand and has seen addresses of this one."""
    listed = f"/console/links/{allowed.gtin}"
    marketer.post(f"{listed}/new", data=form(marketer, f"{listed}/new"))
    (record,) = kept(database, allowed)
    charlie = sign_in(app.test_client(), hire(Role.OWNER, tenant_id=other_furnished.tenant_id))
    for address in (listed, f"{listed}/new", f"{listed}/{record.id}", f"/console/links/{other_furnished.gtin}/{record.id}"):
        assert charlie.get(address).status_code == 404, address
    for step in ("remove", "restore"):
        assert charlie.post(f"{listed}/{record.id}/{step}").status_code == 404
        assert charlie.post(f"/console/links/{other_furnished.gtin}/{record.id}/{step}").status_code == 404
    assert len(kept(database, allowed)) == 1


def test_the_page_of_a_product_speaks_the_readers_language_and_says_nothing_of_genuineness(
    app: Flask, marketer: FlaskClient, allowed: Furnished
) -> None:
    listed = f"/console/links/{allowed.gtin}/new"
    for typed in (
        {},
        {"href": f"https://{HOST}/recipes", "title": "Recipes <b>", "languages": "en"},
        {
            "link_type": "gs1:recallStatus",
            "href": f"https://{HOST}/recall",
            "title": "Recall of L1",
            "languages": "",
            "lot": "L1",
        },
        {"link_type": "gs1:epcis", "href": f"https://{HOST}/epcis", "title": "For programs", "media_type": "application/json"},
    ):
        assert marketer.post(listed, data=form(marketer, listed, **typed)).status_code == 302
    reader = app.test_client()
    page = reader.get(f"/p/{allowed.gtin}", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "Recipes &lt;b&gt;" in page.text
    for absent in ("Rezepte", "Recall of L1", "For programs"):
        assert absent not in page.text
    assert "Rezepte" in reader.get(f"/p/{allowed.gtin}", headers={"Accept-Language": "de"}).text
    chinese = reader.get(f"/p/{allowed.gtin}?lang=zh").text
    assert "茶" in chinese
    assert "正品" in chinese, "only as what a scan would tell"
    of_lot = app.test_client().get(f"/p/{allowed.gtin}/L1", headers={"Accept-Language": "en"}).text
    assert "Recall of L1" in of_lot
    assert "<dt>Lot</dt>" in of_lot
    made_up = app.test_client().get(f"/p/{allowed.gtin}/SOLD-OUT", headers={"Accept-Language": "en"}).text
    assert "SOLD-OUT" not in made_up.replace("lang=", "").split("<main", 1)[1]
    for unknown in ("04006381333931", "1", "a" * 14, "٠" * 14):
        assert app.test_client().get(f"/p/{unknown}").status_code == 404
