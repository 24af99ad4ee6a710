"""The edge as a resolver: what there is to know of a code, without scanning it."""

import msgspec
import pytest

from scanservice.hot import functions, streams
from tests.scanservice.conftest import GTIN, LocalEdge, Market

LINKSET = "application/linkset+json"
VOC = "https://ref.gs1.org/voc/"


@pytest.mark.parametrize("query", ["?linkType=linkset", "?linkType=all", ""])
def test_a_linkset_of_one_of_our_codes(edge: LocalEdge, market: Market, query: str) -> None:
    answer = edge.stranger().get(market.path(1) + query, accept=LINKSET if not query else "*/*")
    assert (answer.status, answer.headers["content-type"]) == (200, LINKSET)
    assert 'rel="linkset"' in answer.headers["link"]
    assert "linkset-context" in answer.headers["link"]
    document = msgspec.json.decode(answer.body)
    (item,) = document["linkset"]
    assert item["anchor"] == f"http://tea.example{market.path(1)}"
    assert item["itemDescription"].startswith("Tea")
    assert set(item[VOC + "defaultLink"][0]) == {"href", "title"}
    assert sum(streams.length(market.redis, one) for one in range(functions.PARTITIONS)) == 0


def test_an_unknown_serial_never_walks_up_to_the_product(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger().get(f"/01/{GTIN}/21/ABC?linkType=linkset", accept=LINKSET)
    assert (answer.status, answer.json()["code"]) == (404, "code_not_issued")


@pytest.mark.parametrize("link_type", ["gs1:pip", "pip", "https%3A%2F%2Fgs1.org%2Fvoc%2Fpip", "nonsense"])
def test_a_link_type_that_is_not_there_is_404(edge: LocalEdge, market: Market, link_type: str) -> None:
    answer = edge.stranger().get(f"{market.path(1)}?linkType={link_type}")
    assert (answer.status, answer.json()["code"]) == (404, "link_type_missing")


@pytest.mark.parametrize("link_type", ["gs1:verificationService", "gs1%3AdefaultLink"])
def test_asking_for_the_verification_page_is_a_scan(edge: LocalEdge, market: Market, link_type: str) -> None:
    assert edge.stranger().get(f"{market.path(1)}?linkType={link_type}", accept="text/html").status == 307


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_the_headers_of_every_answer(edge: LocalEdge, market: Market, method: str) -> None:
    for path in (market.path(1), f"/01/{GTIN}/21/ABC", "/01/1/21/A"):
        answer = edge.stranger().ask(method, path)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-expose-headers"] == "Link, Location"
        assert answer.headers["vary"] == "Accept, Accept-Language"
        assert answer.headers["link"].startswith(f"<http://tea.example{path}?linkType=linkset>")


def test_the_description_file(edge: LocalEdge) -> None:
    answer = edge.stranger().get("/.well-known/gs1resolver")
    assert answer.status == 200
    assert answer.json()["resolverRoot"] == "http://tea.example"
    assert answer.json()["supportedPrimaryKeys"] == ["01"]
