"""Brands and products: created whole, found across tenants by the directory alone, refused by name."""

import pytest
from sqlalchemy import text

from codegen import brands, products
from codegen.brands import Brand
from kit.db import transaction
from kit.refusals import Refusal
from tests.codegen.conftest import KEK, NOW, Inside, gtin_of, new_brand
from tests.conftest import Database


def test_a_brand_is_created_with_hosts_prefixes_and_an_open_epoch(database: Database) -> None:
    made = new_brand(database, origin="HTTP://192.168.7.9:8000", prefixes=("952", "6901234"))
    with transaction(database.app_engine, tenant_id=made.tenant_id) as session:
        assert brands.load(session, tenant_id=made.tenant_id) == made
        assert session.scalar(text("SELECT state FROM key_epoch")) == "open"
    assert made.scan_origin == "http://192.168.7.9:8000"
    assert made.hosts == ("192.168.7.9",)
    assert made.gtin_prefixes == ("6901234", "952")


def test_the_directory_needs_no_tenant(database: Database, tea: Brand, rival: Brand) -> None:
    with transaction(database.app_engine, tenant_id=None) as session:
        assert {tea.tenant_id, rival.tenant_id} <= set(brands.tenant_ids(session))
        assert brands.find(session, slug=tea.slug).scan_origin == tea.scan_origin
        with pytest.raises(brands.BrandUnknown):
            brands.find(session, slug="nobody")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"slug": "Tea House"}, "slug_malformed"),
        ({"slug": ""}, "slug_malformed"),
        ({"name": " "}, "name_malformed"),
        ({"name": "Tea\nHouse"}, "name_malformed"),
        ({"scan_origin": "http://tea.example"}, "origin_not_secure"),
        ({"hosts": ["tea house"]}, "host_malformed"),
        ({"gtin_prefixes": ["95x"]}, "gtin_prefix_malformed"),
    ],
)
def test_a_brand_with_wrong_data_is_not_created(database: Database, change: dict[str, object], code: str) -> None:
    data = {"slug": "fine", "name": "Fine", "scan_origin": "https://fine.example", "gtin_prefixes": ["952"], **change}
    with pytest.raises(Refusal) as refused, transaction(database.app_engine, tenant_id=None) as session:
        brands.create(session, **data, kek=KEK, now=NOW)  # type: ignore[arg-type]
    assert refused.value.code == code
    with transaction(database.app_engine, tenant_id=None) as session:
        assert "fine" not in {entry.slug for entry in brands.directory(session)}


def test_a_slug_is_taken_once(database: Database, tea: Brand) -> None:
    with pytest.raises(brands.SlugTaken), transaction(database.app_engine, tenant_id=None) as session:
        brands.create(
            session, slug=tea.slug, name="Other", scan_origin="https://o.example", gtin_prefixes=["952"], kek=KEK, now=NOW
        )


def test_a_new_origin_keeps_the_hosts_of_what_was_printed(inside: Inside, tea: Brand) -> None:
    with inside() as session:
        assert brands.change_origin(session, tenant_id=tea.tenant_id, scan_origin="HTTPS://NEW.EXAMPLE") == "https://new.example"
    with inside() as session:
        changed = brands.load(session, tenant_id=tea.tenant_id)
    assert changed.scan_origin == "https://new.example"
    assert set(changed.hosts) == {*tea.hosts, "new.example"}


def test_adding_the_same_product_twice_is_adding_it_once(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        again = products.add(session, tenant_id=tea.tenant_id, gtin=gtin, name="Tea", name_zh="茶", now=NOW)
        assert products.listing(session, tenant_id=tea.tenant_id) == [again]
        assert products.find(session, tenant_id=tea.tenant_id, gtin=gtin[1:]) == again


def test_other_data_under_the_same_gtin_is_refused(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session, pytest.raises(products.ProductDiffers) as refused:
        products.add(session, tenant_id=tea.tenant_id, gtin=gtin, name="Coffee", name_zh="茶", now=NOW)
    assert refused.value.data == {"gtin": gtin, "field": "name", "there": "Tea"}


@pytest.mark.parametrize(
    ("gtin", "code"),
    [("06901234567892", "gtin_prefix_foreign"), ("09521234543214", "gtin_check_digit"), ("0952", "gtin_length")],
)
def test_a_gtin_that_cannot_be_ours_is_refused(inside: Inside, tea: Brand, gtin: str, code: str) -> None:
    with inside() as session, pytest.raises(Refusal) as refused:
        products.add(session, tenant_id=tea.tenant_id, gtin=gtin, name="Tea", now=NOW)
    assert refused.value.code == code


def test_a_gtin_belongs_to_one_brand_of_the_instance(database: Database, rival: Brand, gtin: str) -> None:
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session, pytest.raises(products.GtinTaken):
        products.add(session, tenant_id=rival.tenant_id, gtin=gtin, name="Tea", now=NOW)


def test_an_unknown_product_is_not_found(inside: Inside, tea: Brand) -> None:
    with inside() as session, pytest.raises(products.ProductUnknown):
        products.find(session, tenant_id=tea.tenant_id, gtin=gtin_of(77))
