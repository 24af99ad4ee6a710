"""Requests and links that somebody made up to send people elsewhere, or to keep an edge busy."""

import pytest

from codegen.resolver_links import link_hosts, link_targets, link_types
from codegen.resolver_links.link_table import Link
from codegen.resolver_links.links import LINKS_OF_LEVEL_MAX
from kit.db import transaction
from scanservice.resolver import negotiation, wishes
from tests.scanservice.conftest import GTIN
from tests.scanservice.resolver.conftest import BRAND, ORIGIN, PRODUCT, Shop

EVIL = "https://evil.example"


def test_no_header_of_a_client_changes_where_links_lead(stocked: Shop) -> None:
    forged = {"x_forwarded_host": "evil.example", "x_forwarded_proto": "gopher", "forwarded": "host=evil.example"}
    answer = stocked.get(f"{PRODUCT}?linkType=linkset", **forged)
    assert "evil.example" not in answer.body.decode() + answer.headers["link"]
    assert stocked.location(PRODUCT, **forged) == f"/p/{GTIN}"
    # An unknown host means the first brand in the one box; its own origin is told all the same.
    spoofed = stocked.phone.ask("GET", f"{PRODUCT}?linkType=linkset", b"", host="evil.example")
    assert spoofed.json()["linkset"][0]["anchor"] == f"{ORIGIN}{PRODUCT}"
    described = stocked.phone.ask("GET", "/.well-known/gs1resolver", b"", host="evil.example")
    assert described.json()["resolverRoot"] == ORIGIN


def test_no_path_or_host_breaks_out_of_the_link_header(stocked: Shop) -> None:
    for path in (f'{PRODUCT}/10/A>;rel="evil"', f'{PRODUCT}/10/"<{EVIL}>'):
        link = stocked.get(path).headers["link"]
        assert link.count("<") == 1
        assert 'rel="evil"' not in link
    link = stocked.phone.ask("GET", PRODUCT, b"", host='x>; rel="evil').headers["link"]
    assert link.startswith(f"<{PRODUCT}?linkType=linkset>")


@pytest.mark.parametrize(
    "query", ["@evil.example/", "//evil.example", "\\evil.example", "#@evil.example", "%0d%0aSet-Cookie:x", "\xe4 <>"]
)
def test_no_query_changes_the_host_of_a_target(query: str) -> None:
    for target in (f"{BRAND}/", f"{BRAND}/a?b=c", f"{BRAND}/a#b"):
        sent_to = link_targets.with_query(target, query.encode("latin-1"))
        assert link_targets.host_of(sent_to) == link_targets.host_of(target)
        assert sent_to.isascii()
        assert not set('<> \\\r\n"').intersection(sent_to)


def test_many_parameters_and_long_queries_are_refused(stocked: Shop) -> None:
    many = "&".join(f"a{one}=1" for one in range(wishes.PARAMETERS_MAX + 1))
    for query in (many, f"linkType=pip&{many}", "x" * 3000):
        assert stocked.get(f"{PRODUCT}?{query}").status == 400


def test_a_host_taken_off_the_list_takes_its_links_along(stocked: Shop) -> None:
    market = stocked.market
    with transaction(market.engine, tenant_id=market.tenant_id) as session:
        link_hosts.disallow(session, "tea.example.com", tenant_id=market.tenant_id, now=market.clock.now(), actor="test")
    stocked.edge.look_after()
    assert stocked.get(f"{PRODUCT}?linkType=tea:brewing").status == 404
    assert set(stocked.linkset(PRODUCT)[0]) == {"anchor", "itemDescription", link_types.DEFAULT, link_types.PRODUCT_PAGE}


def test_the_most_that_a_level_holds_meets_the_most_that_is_read_of_a_header() -> None:
    links = tuple(
        Link(type=link_types.PRODUCT_PAGE, href=f"{BRAND}/{one}", title=str(one), languages=("de", "fr-CA"))
        for one in range(LINKS_OF_LEVEL_MAX)
    )
    languages = ",".join(f"xx-{one}-abcd-efgh-ijkl;q=0.9" for one in range(10_000)).encode()
    wish = wishes.read(query=b"", accept=b"image/png," * 10_000, accept_language=languages)
    assert (len(wish.languages), len(wish.media)) == (wishes.RANGES_MAX, wishes.RANGES_MAX)
    assert len(negotiation.choose(links, wish)) == LINKS_OF_LEVEL_MAX
