"""A brand whose tea has links in several languages, for its lot, and an edge that serves them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from codegen import catalogue_version
from codegen.resolver_links import link_drafts, link_hosts, link_vocabularies, links
from codegen.resolver_links.link_drafts import Draft
from kit import ids
from kit.db import transaction
from scanservice import catalogue
from scanservice.hot import functions, streams
from tests.scanservice.conftest import GTIN, Client, LocalEdge, Market, Response

ORIGIN = "https://tea.example"
BRAND = "https://www.tea.example.com"
LINKSET = "application/linkset+json"
VOC = "https://ref.gs1.org/voc/"
PRODUCT = f"/01/{GTIN}"
LOT = f"{PRODUCT}/10/L1"


@dataclass(frozen=True, kw_only=True)
class Shop:
    market: Market
    edge: LocalEdge
    places: Iterator[int] = field(default_factory=itertools.count)

    def link(self, link_type: str, path: str, *, lot: str = "", serial: str = "", **more: Any) -> UUID:
        """Adds a link to the brand's own site and tells the edge."""
        link_id = self.put(link_type, path, lot=lot, serial=serial, **more)
        self.edge.look_after()
        return link_id

    def put(self, link_type: str, path: str, *, lot: str = "", serial: str = "", **more: Any) -> UUID:
        title = more.pop("title", f"{link_type} {path}")
        draft = Draft(link_type=link_type, href=BRAND + path, title=title, place=next(self.places), **more)
        market = self.market
        with transaction(market.engine, tenant_id=market.tenant_id) as session:
            session.info[catalogue_version.TELL] = lambda version: catalogue.announce(market.redis, version)
            added = links.add(
                session,
                link_drafts.checked_anchor(gtin=GTIN, lot=lot, serial=serial),
                draft,
                link_id=ids.uuid7(market.clock.now()),
                tenant_id=market.tenant_id,
                now=market.clock.now(),
                actor="test",
            )
        return added.id

    @property
    def phone(self) -> Client:
        return self.edge.stranger()

    def get(self, path: str, **headers: str) -> Response:
        return self.phone.get(path, **headers)

    def location(self, path: str, **headers: str) -> str:
        answer = self.get(path, **headers)
        assert answer.status == 307, (answer.status, answer.body)
        return answer.headers["location"]

    def linkset(self, path: str, **headers: str) -> list[dict[str, Any]]:
        answer = self.get(f"{path}?linkType=linkset", **headers)
        assert answer.status == 200, answer.body
        assert set(answer.json()) == {"linkset"}
        found: list[dict[str, Any]] = answer.json()["linkset"]
        return found

    def recorded(self) -> int:
        return sum(streams.length(self.market.redis, one) for one in range(functions.PARTITIONS))


@pytest.fixture
def shop(edge: LocalEdge, market: Market) -> Shop:
    """With the host of the brand's site allowed, a vocabulary of its own, and no links yet."""
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        common: dict[str, Any] = {"tenant_id": market.tenant_id, "now": market.clock.now(), "actor": "test"}
        link_hosts.allow(session, "tea.example.com", **common)
        link_vocabularies.define(session, prefix="tea", namespace="https://tea.example.com/voc/", **common)
    edge.look_after()
    return Shop(market=market, edge=edge)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.put("pip", "/zh", languages=("zh",))
    shop.put("pip", "/en", languages=("en",))
    shop.put("recipeInfo", "/rezepte", languages=("de",))
    shop.put("recipeInfo", "/recipes", languages=("en",))
    shop.put("instructions", "/brew.pdf", media_type="application/pdf")
    shop.put("instructions", "/brew")
    shop.put("tea:brewing", "/brewing")
    shop.put("recallStatus", "/recall", lot="L1")
    shop.edge.look_after()
    return shop
