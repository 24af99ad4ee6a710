"""Links of a brand, in a real database: once, with a history, within limits, one default, on allowed hosts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from codegen import catalogue_version, products
from codegen.products import ProductUnknown
from codegen.resolver_links import link_drafts, link_hosts, link_vocabularies, links
from codegen.resolver_links.link_drafts import Draft
from codegen.resolver_links.link_table import Anchor, Role
from codegen.resolver_links.links import LinkChanged, LinkRecord, LinkThere, LinkUnknown, TooManyLinks
from kit import ids
from kit.db import transaction
from kit.refusals import Invalid
from tests.conftest import NOW, Brand, Database
from tests.web.conftest import some_gtin

DRAFT = Draft(link_type="gs1:pip", href="https://tea.example.com/a", title="About the tea", languages=("en",))
Keys = dict[str, Any]


@pytest.fixture
def keys(brand: Brand) -> Keys:
    return {"tenant_id": brand.tenant_id, "now": NOW, "actor": "alice"}


@pytest.fixture
def tea(database: Database, brand: Brand, keys: Keys) -> Anchor:
    """A product, and the host that its links may lead to."""
    number = some_gtin()
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        session.execute(text("INSERT INTO gtin_prefix (tenant_id, prefix) VALUES (:tenant, '952')"), {"tenant": brand.tenant_id})
        products.add(session, tenant_id=brand.tenant_id, gtin=number, name="Tea", now=NOW)
        link_hosts.allow(session, "tea.example.com", **keys)
    return Anchor(gtin=number)


def add(session: Session, anchor: Anchor, keys: Keys, link_id: UUID | None = None, **more: Any) -> LinkRecord:
    return links.add(session, anchor, replace(DRAFT, **more), link_id=link_id or ids.uuid7(NOW), **keys)


def test_the_same_link_is_there_once_and_edges_hear_of_it_once(database: Database, tea: Anchor, keys: Keys) -> None:
    with transaction(database.app_engine, tenant_id=keys["tenant_id"]) as session:
        first = add(session, tea, keys)
        before = catalogue_version.current(session)
    with transaction(database.app_engine, tenant_id=keys["tenant_id"]) as session:
        assert add(session, tea, keys) == first
        assert add(session, tea, keys, first.id, title="Sent again, with another title") == first
        with pytest.raises(LinkThere):
            add(session, tea, keys, title="Another title")
        assert len(links.listing(session, tenant_id=keys["tenant_id"], gtin=tea.gtin)) == 1
        assert catalogue_version.current(session) == before + 1, "by the first commit"
    with transaction(database.app_engine, tenant_id=keys["tenant_id"]) as session:
        assert catalogue_version.current(session) == before + 1, "and by no later one"
        audited = session.execute(text("SELECT action, actor FROM audit WHERE action LIKE 'link.%'")).all()
    assert [tuple(line) for line in audited] == [("link.added", "alice")]


def test_a_change_loses_to_one_made_meanwhile(database: Database, tea: Anchor, keys: Keys) -> None:
    with transaction(database.app_engine, tenant_id=keys["tenant_id"]) as session:
        first = add(session, tea, keys)
        other = add(session, tea, keys, href="https://tea.example.com/b")
        changed = links.change(session, first.id, replace(DRAFT, title="New"), revision=1, **keys)
        assert (changed.link.title, changed.revision) == ("New", 2)
        with pytest.raises(LinkChanged):
            links.change(session, first.id, replace(DRAFT, title="Late"), revision=1, **keys)
        with pytest.raises(LinkThere):
            links.change(session, other.id, DRAFT, revision=1, **keys)
        with pytest.raises(LinkUnknown):
            links.change(session, ids.uuid7(NOW), replace(DRAFT, title="x", href="https://tea.example.com/c"), revision=1, **keys)


def test_a_removal_can_be_undone_and_is_no_default_over_another(database: Database, tea: Anchor, keys: Keys) -> None:
    tenant_id = keys["tenant_id"]
    with transaction(database.app_engine, tenant_id=tenant_id) as session:
        first = add(session, tea, keys, role=Role.DEFAULT)
        assert links.remove(session, first.id, **keys).removed_at == NOW
        assert links.remove(session, first.id, **keys).revision == 2, "again: nothing happens"
        assert links.table(session, tenant_id=tenant_id).links == {}
        with pytest.raises(LinkChanged):
            links.change(session, first.id, DRAFT, revision=2, **keys)
        add(session, tea, keys, href="https://tea.example.com/b", role=Role.DEFAULT)
        restored = links.restore(session, first.id, **keys)
        assert (restored.link.role, restored.removed_at) == (Role.PLAIN, None)
        assert links.restore(session, first.id, **keys) == restored
        links.remove(session, first.id, **keys)
        add(session, tea, keys)
        with pytest.raises(LinkThere):
            links.restore(session, first.id, **keys)


def test_the_last_one_marked_is_the_default_of_its_level(database: Database, tea: Anchor, keys: Keys) -> None:
    tenant_id = keys["tenant_id"]
    lot = replace(tea, lot="L1")
    with transaction(database.app_engine, tenant_id=tenant_id) as session:
        first = add(session, tea, keys, role=Role.DEFAULT)
        of_lot = add(session, lot, keys, role=Role.DEFAULT)
        second = add(session, tea, keys, href="https://tea.example.com/b", role=Role.DEFAULT)
        roles = {record.id: record.link.role for record in links.listing(session, tenant_id=tenant_id, gtin=tea.gtin)}
        assert roles == {first.id: Role.PLAIN, of_lot.id: Role.DEFAULT, second.id: Role.DEFAULT}
        first_again = links.find(session, first.id, tenant_id=tenant_id)
        draft = replace(DRAFT, role=Role.DEFAULT)
        links.change(session, first.id, draft, revision=first_again.revision, **keys)
        assert links.find(session, second.id, tenant_id=tenant_id).link.role is Role.PLAIN
    with transaction(database.app_engine, tenant_id=tenant_id) as session:
        table = links.table(session, tenant_id=tenant_id)
    assert {anchor: len(found) for anchor, found in table.links.items()} == {tea: 2, lot: 1}


def test_limits_of_level_product_and_brand(database: Database, tea: Anchor, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LINKS_OF_LEVEL_MAX", 2)
    monkeypatch.setattr(links, "LINKS_OF_PRODUCT_MAX", 3)
    assert links.LINKS_OF_LEVEL_MAX <= links.LINKS_OF_PRODUCT_MAX <= links.LINKS_OF_BRAND_MAX
    with transaction(database.app_engine, tenant_id=keys["tenant_id"]) as session:
        add(session, tea, keys, href="https://tea.example.com/1")
        add(session, tea, keys, href="https://tea.example.com/2")
        with pytest.raises(TooManyLinks):
            add(session, tea, keys, href="https://tea.example.com/3")
        add(session, replace(tea, lot="L1"), keys)
        with pytest.raises(TooManyLinks):
            add(session, replace(tea, lot="L2"), keys)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"title": ""}, "link_title_malformed"),
        ({"title": "a\nb"}, "link_title_malformed"),
        ({"title": "a" * 121}, "link_title_malformed"),
        ({"languages": ("zh-Hans",)}, "link_language_malformed"),
        ({"languages": tuple(f"a{letter}" for letter in "abcdefghi")}, "link_language_malformed"),
        ({"media_type": "html"}, "link_media_type_malformed"),
        ({"contexts": ("a b",)}, "link_context_malformed"),
        ({"contexts": tuple(str(one) for one in range(9))}, "link_context_malformed"),
        ({"valid_from": NOW, "valid_until": NOW}, "link_validity_backwards"),
        ({"place": -1}, "link_place_out_of_range"),
        ({"link_type": "gs1:nonsense"}, "link_type_unknown"),
        ({"link_type": "gs1:verificationService"}, "link_type_reserved"),
        ({"href": "javascript:alert(1)"}, "target_scheme"),
        ({"href": "https://evil.example/"}, "target_host_not_allowed"),
    ],
)
def test_what_is_no_link_is_refused_by_its_part(more: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        link_drafts.checked(
            replace(DRAFT, **more), Anchor(gtin="09521234543213"), vocabularies={}, allowed=["tea.example.com"], own=[]
        )
    assert refused.value.code == code


def test_levels_are_a_product_a_lot_or_an_item() -> None:
    serial = "0816MZTTBH7PFP77PTNS"
    assert link_drafts.checked_anchor(gtin="9521234543213", serial=serial.lower()).serial == serial
    for lot, item, code in (
        ("L 1", "", "link_lot_malformed"),
        ("", "ABC", "link_serial_malformed"),
        ("L", serial, "link_level_unclear"),
    ):
        with pytest.raises(Invalid) as refused:
            link_drafts.checked_anchor(gtin="09521234543213", lot=lot, serial=item)
        assert refused.value.code == code
    anchor = Anchor(gtin="09521234543213", serial=serial)
    with pytest.raises(link_drafts.DefaultOfItem):
        link_drafts.checked(replace(DRAFT, role=Role.MULTI), anchor, vocabularies={}, allowed=["tea.example.com"], own=[])


def test_links_of_another_brand_are_not_there(database: Database, tea: Anchor, keys: Keys, other_brand: Brand) -> None:
    with transaction(database.app_engine, tenant_id=keys["tenant_id"]) as session:
        first = add(session, tea, keys)
        assert products.owner(session, gtin=tea.gtin) == keys["tenant_id"]
    charlie = {**keys, "tenant_id": other_brand.tenant_id}
    with transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session:
        assert products.owner(session, gtin=tea.gtin) == keys["tenant_id"], "whose it is may be known to all"
        assert products.owner(session, gtin="00000000000000") is None
        with pytest.raises(ProductUnknown):
            add(session, tea, charlie)
        with pytest.raises(LinkUnknown):
            links.remove(session, first.id, **charlie)
        assert links.counts(session, tenant_id=other_brand.tenant_id) == {}


def test_a_table_is_read_anew_only_when_something_was_written(database: Database, tea: Anchor, keys: Keys) -> None:
    tenant_id = keys["tenant_id"]
    with transaction(database.app_engine, tenant_id=tenant_id) as session:
        record = add(session, tea, keys)
        known = links.table(session, tenant_id=tenant_id)
        assert links.table(session, tenant_id=tenant_id, known=known) is known
        for write in (
            lambda: links.change(session, record.id, replace(DRAFT, title="New"), revision=1, **keys),
            lambda: links.remove(session, record.id, **keys),
            lambda: links.restore(session, record.id, **keys),
            lambda: add(session, tea, keys, href="https://tea.example.com/b"),
            lambda: link_vocabularies.define(session, prefix="tea", namespace="https://tea.example.com/voc/", **keys),
            lambda: link_hosts.disallow(session, "tea.example.com", **keys),
        ):
            write()
            newer = links.table(session, tenant_id=tenant_id, known=known)
            assert newer is not known
            assert newer.stamp != known.stamp
            known = newer


def test_hosts_and_vocabularies_are_said_once_and_taken_back(database: Database, tea: Anchor, keys: Keys) -> None:
    tenant_id = keys["tenant_id"]
    with transaction(database.app_engine, tenant_id=tenant_id) as session:
        assert link_hosts.allow(session, " Tea.Example.COM ", **keys) == "tea.example.com"
        assert link_hosts.listing(session, tenant_id=tenant_id) == ["tea.example.com"]
        link_vocabularies.define(session, prefix="tea", namespace="https://tea.example.com/voc/", **keys)
        link_vocabularies.define(session, prefix="tea", namespace="https://tea.example.com/voc/", **keys)
        with pytest.raises(link_vocabularies.VocabularyDiffers):
            link_vocabularies.define(session, prefix="tea", namespace="https://other.example.com/voc/", **keys)
        add(session, tea, keys, link_type="tea:brewing", contexts=("EU",), valid_until=NOW + timedelta(days=1))
        table = links.table(session, tenant_id=tenant_id, gtin=tea.gtin)
        assert (table.contexts, table.vocabularies) == (("EU",), {"tea": "https://tea.example.com/voc/"})
        assert [link.type for link in table.valid(tea, NOW)] == ["https://tea.example.com/voc/brewing"]
        assert table.valid(tea, NOW + timedelta(days=1)) == ()
        link_vocabularies.forget(session, "tea", **keys)
        link_hosts.disallow(session, "tea.example.com", **keys)
        assert links.table(session, tenant_id=tenant_id).links == {}
        with pytest.raises(link_hosts.LinkHostUnknown):
            link_hosts.disallow(session, "tea.example.com", **keys)
        with pytest.raises(link_vocabularies.VocabularyUnknown):
            link_vocabularies.forget(session, "tea", **keys)
