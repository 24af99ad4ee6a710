"""Linksets held against the rules of the two published schemas: GS1's (linkset-schema of the resolver standard) and RFC 9264's.

The rules are written down here anew: which members there may be, what their values look like, what has to be there.
"""

import re
from typing import Any

from codegen.resolver_links.link_table import Role
from tests.scanservice.conftest import GTIN, Market
from tests.scanservice.resolver.conftest import BRAND, LOT, ORIGIN, PRODUCT, VOC, Shop

RELATION = re.compile(r"[a-z-]+|https?://[a-zA-z0-9./]+")
HREF = re.compile(r"https?://[a-zA-z0-9./]+")
LANGUAGE = re.compile(r"\w{2}(-\w{2})?")
MEDIA_TYPE = re.compile(r"\w+/[-+.\w]+")
PLAIN_MEMBERS = {"href", "title", "type", "hreflang"}
GS1_MEMBERS = PLAIN_MEMBERS | {"context", "fwqs", "public"}
PLAIN = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9264"'


def check(linkset: list[dict[str, Any]], *, members: set[str], described: bool) -> None:
    assert linkset
    for item in linkset:
        assert HREF.match(item["anchor"])
        assert ("itemDescription" in item) is described
        for relation in set(item) - {"anchor", "itemDescription"}:
            assert RELATION.fullmatch(relation), relation
            assert isinstance(item[relation], list)
            for link in item[relation]:
                check_link(link, members=members)
        check_default(item)


def check_link(link: dict[str, Any], *, members: set[str]) -> None:
    assert {"href", "title"} <= set(link) <= members, link
    assert HREF.match(link["href"])
    assert isinstance(link["title"], str)
    assert all(LANGUAGE.fullmatch(one) for one in link.get("hreflang", ()))
    assert MEDIA_TYPE.fullmatch(link.get("type", "text/html"))
    assert isinstance(link.get("context", []), list)
    assert isinstance(link.get("fwqs", True), bool)


def check_default(item: dict[str, Any]) -> None:
    """One object with address and title, described again under a type in the same place."""
    (default,) = item[VOC + "defaultLink"]
    assert set(default) == {"href", "title"}
    roles = {"anchor", "itemDescription", VOC + "defaultLink", VOC + "defaultLinkMulti"}
    assert default["href"] in {link["href"] for relation in set(item) - roles for link in item[relation]}


def test_a_linkset_has_an_item_for_each_level_up_to_the_product(stocked: Shop, market: Market) -> None:
    items = stocked.linkset(market.path(1))
    check(items, members=GS1_MEMBERS, described=True)
    assert [item["anchor"] for item in items] == [f"{ORIGIN}{path}" for path in (market.path(1), LOT, PRODUCT)]
    assert items[0]["itemDescription"] == f"Tea, item {market.serial(1)}"
    assert {link["href"] for link in items[0][VOC + "verificationService"]} == {f"{ORIGIN}{market.path(1)}"}
    assert [link["hreflang"] for link in items[2][VOC + "pip"]] == [["zh"], ["en"], ["en"], ["zh"]], "the brand's, then ours"
    assert items[2][VOC + "defaultLink"] == [{"href": f"{ORIGIN}/p/{GTIN}", "title": "Tea"}]


def test_every_member_that_a_link_can_have_fits_the_schema(stocked: Shop) -> None:
    stocked.put("promotion", "/x", passes_query=False, contexts=("CN",), languages=("zh-CN", "en"), media_type="text/html")
    stocked.put("homepage", "/start", role=Role.DEFAULT, media_type="")
    stocked.link("homepage", "/anfang", role=Role.MULTI, languages=("de",))
    for path in (PRODUCT, LOT):
        check(stocked.linkset(path), members=GS1_MEMBERS, described=True)
    (item,) = stocked.linkset(PRODUCT)
    (promotion,) = item[VOC + "promotion"]
    assert (promotion["fwqs"], promotion["context"], promotion["hreflang"]) == (False, ["CN"], ["zh-CN", "en"])
    assert [link["href"] for link in item[VOC + "defaultLinkMulti"]] == [f"{BRAND}/anfang"]
    assert "https://tea.example.com/voc/brewing" in item


def test_the_form_of_rfc_9264_is_there_for_who_asks_for_its_profile(stocked: Shop, market: Market) -> None:
    stocked.link("promotion", "/x", passes_query=False, contexts=("CN",))
    for path in (PRODUCT, LOT, market.path(1)):
        answer = stocked.get(path, accept=PLAIN)
        assert (answer.status, answer.headers["content-type"]) == (200, PLAIN)
        assert set(answer.json()) == {"linkset"}
        check(answer.json()["linkset"], members=PLAIN_MEMBERS, described=False)
        for relation in {name for item in answer.json()["linkset"] for name in item} - {"anchor"}:
            assert "-" not in relation, "its schema takes no hyphen in a relation"


def test_links_that_have_ended_or_not_begun_are_not_there(stocked: Shop, market: Market) -> None:
    now = market.clock.now()
    stocked.put("promotion", "/over", valid_until=now)
    stocked.put("promotion", "/later", valid_from=now.replace(year=now.year + 1))
    stocked.link("promotion", "/now", valid_from=now, valid_until=now.replace(year=now.year + 1))
    (item,) = stocked.linkset(PRODUCT)
    assert [link["href"] for link in item[VOC + "promotion"]] == [f"{BRAND}/now"]
    market.clock.at = now.replace(year=now.year + 1)
    (item,) = stocked.linkset(PRODUCT)
    assert [link["href"] for link in item[VOC + "promotion"]] == [f"{BRAND}/later"]
