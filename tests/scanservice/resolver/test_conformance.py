"""The rules of a GS1-conformant resolver (standard 1.2.0), each by its name, asked of a running edge."""

import itertools
from urllib.parse import quote

import pytest

from codegen.lifecycle import ranges
from codegen.resolver_links.link_table import Role
from scanservice.resolver import wishes
from tests.scanservice.conftest import GTIN, OTHER_GTIN, Market
from tests.scanservice.resolver.conftest import BRAND, LINKSET, LOT, ORIGIN, PRODUCT, VOC, Shop

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-expose-headers": "Link, Location",
    "vary": "Accept, Accept-Language",
}

# Address, code of the refusal, and the part that it has to name.
FORBIDDEN = (
    ("/01/09521234543214", "dl_check_digit", "01"),
    ("/01/9521234543213", "dl_value_too_short", "01"),
    ("/01/095212345432139", "dl_value_too_long", "01"),
    ("/01/0952123454321X", "dl_character", "01"),
    (f"{PRODUCT}/10", "dl_value_missing", "10"),
    (f"{PRODUCT}/21/A/10/L", "dl_qualifier_order", "10"),
    (f"{PRODUCT}/10/L/22/V", "dl_qualifier_order", "22"),
    (f"{PRODUCT}/10/L/10/M", "dl_duplicate_ai", "10"),
    (f"{PRODUCT}/235/X/21/S", "dl_qualifiers_mixed", "235"),
    (f"{PRODUCT}/17/281121", "dl_not_qualifier", "17"),
    (f"{PRODUCT}/ser/A", "dl_no_key", "ser"),
    ("/gtin/09521234543213/01/09521234543214", "dl_check_digit", "01"),
    (f"{PRODUCT}/21/{'A' * 21}", "dl_value_too_long", "21"),
    (f"{PRODUCT}/21/A%20B", "dl_character", "21"),
    (f"{PRODUCT}/21/A%00B", "dl_character", "21"),
    (f"{PRODUCT}/21/A%2", "dl_percent_encoding", "A%2"),
    (f"{PRODUCT}?21=A", "dl_belongs_in_path", "21"),
    (f"{PRODUCT}/21/S?10=L", "dl_belongs_in_path", "10"),
    (f"{PRODUCT}?9999=A", "dl_unknown_attribute", "9999"),
    (f"{PRODUCT}?17=290229", "dl_date", "17"),
    (f"{PRODUCT}?17=281121&17=281121", "dl_duplicate_attribute", "17"),
    (f"{PRODUCT}?91=A+B", "dl_character", "91"),
    (f"{PRODUCT}?254=A", "dl_not_attribute", "254"),
    (f"{PRODUCT}?37=5", "dl_excludes", "37"),
    (f"{PRODUCT}?8030=abc", "dl_needs", "8030"),
    ("/414/9521234000014", "dl_check_digit", "414"),
    ("/00/123", "dl_value_too_short", "00"),
)


def test_get_head_and_options_are_answered_on_every_digital_link(stocked: Shop, market: Market) -> None:
    for path in (PRODUCT, LOT, market.path(1), f"{PRODUCT}/21/ABC", "/01/1", "/414/9521234000013"):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = stocked.phone.ask(method, path)
            assert answer.status in ({204} if method == "OPTIONS" else {307, 400, 404}), (method, path)
            assert {name: answer.headers[name] for name in CORS} == CORS, (method, path)
            assert answer.headers["link"].startswith(f"<http://tea.example{path}?linkType=linkset>"), (method, path)
            assert 'rel="linkset"; type="application/linkset+json"' in answer.headers["link"]
            assert method == "GET" or not answer.body


def test_one_trailing_slash_is_stripped_and_a_second_is_no_syntax(stocked: Shop, market: Market) -> None:
    for path in (PRODUCT, LOT, market.path(1)):
        assert stocked.get(path + "/", accept="text/html").status == 307
        assert stocked.get(path + "//").status == 400


def test_what_the_syntax_forbids_is_a_400_problem_that_names_the_part(shop: Shop) -> None:
    for path, code, part in FORBIDDEN:
        answer = shop.get(path)
        assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json"), path
        problem = answer.json()
        assert (problem["code"], problem["status"]) == (code, 400), path
        assert part in problem["detail"], path


def test_what_is_forbidden_for_items_is_forbidden_behind_a_printed_code_too(stocked: Shop, market: Market) -> None:
    for query, code in (("10=L", "dl_belongs_in_path"), ("9999=x", "dl_unknown_attribute"), ("x=1&17=281399", "dl_date")):
        answer = stocked.get(f"{market.path(1)}?{query}")
        assert (answer.status, answer.json()["code"]) == (400, code)
    assert stocked.recorded() == 0
    assert stocked.get(f"{market.path(1)}?17=281121&utm=x").status == 307


def test_any_stem_and_the_rightmost_key_win(stocked: Shop) -> None:
    assert stocked.location(f"/some/stem{PRODUCT}?linkType=pip", accept_language="en") == f"{BRAND}/en?linkType=pip"
    assert stocked.get("/01/faux/00/006141411234567890").json()["code"] == "key_not_served"


def test_a_key_that_is_not_served_is_404(shop: Shop) -> None:
    for path in ("/00/006141411234567890", "/414/9521234000013", "/417/9521234000013", "/8004/9521234A1"):
        answer = shop.get(path)
        assert (answer.status, answer.json()["code"]) == (404, "key_not_served"), path


def test_a_product_that_nobody_has_is_404(shop: Shop) -> None:
    answer = shop.get(f"/01/{OTHER_GTIN}")
    assert (answer.status, answer.json()["code"]) == (404, "gtin_unknown")


def test_without_a_type_the_answer_is_307_to_the_one_default_link(stocked: Shop) -> None:
    assert stocked.location(PRODUCT) == f"/p/{GTIN}"
    stocked.link("homepage", "/start", role=Role.DEFAULT)
    assert stocked.location(PRODUCT) == f"{BRAND}/start"
    assert stocked.location(f"{PRODUCT}?linkType=gs1:defaultLink") == f"{BRAND}/start?linkType=gs1:defaultLink"


def test_default_link_multi_of_the_same_level_refines_the_default(shop: Shop) -> None:
    shop.link("homepage", "/en", role=Role.DEFAULT, languages=("en",))
    shop.link("homepage", "/de", role=Role.MULTI, languages=("de",))
    shop.link("homepage", "/sheet.pdf", role=Role.MULTI, languages=("de",), media_type="application/pdf")
    shop.link("homepage", "/eu", role=Role.MULTI, contexts=("EU",))
    assert shop.location(PRODUCT, accept_language="en") == f"{BRAND}/en"
    assert shop.location(PRODUCT, accept_language="fr") == f"{BRAND}/en"
    assert shop.location(PRODUCT, accept_language="de-AT, en;q=0.5") == f"{BRAND}/de"
    assert shop.location(PRODUCT, accept_language="de", accept="application/pdf") == f"{BRAND}/sheet.pdf"
    assert shop.location(f"{PRODUCT}?context=EU") == f"{BRAND}/eu?context=EU"
    shop.link("recallStatus", "/recall", lot="L1")
    assert shop.location(LOT, accept_language="de") == f"{BRAND}/en", "a multi of another level does not refine"


def test_a_type_is_understood_however_it_is_written(stocked: Shop) -> None:
    names = [quote(name + "pip", safe="") for name in (VOC, "https://gs1.org/voc/", "https://www.gs1.org/voc/")]
    for asked in ("gs1:pip", "pip", "gs1%3Apip", *names, VOC + "pip"):
        assert stocked.location(f"{PRODUCT}?linkType={asked}", accept_language="zh-CN").startswith(f"{BRAND}/zh?"), asked


def test_a_brands_own_vocabulary_is_understood_by_prefix_and_by_name(stocked: Shop) -> None:
    assert stocked.location(f"{PRODUCT}?linkType=tea:brewing").startswith(f"{BRAND}/brewing?")
    assert stocked.location(f"{PRODUCT}?linkType=https://tea.example.com/voc/brewing").startswith(f"{BRAND}/brewing?")


def test_a_type_comes_from_the_finest_level_that_has_it(stocked: Shop, market: Market) -> None:
    path = market.path(1)
    assert stocked.location(f"{path}?linkType=gs1:recallStatus").startswith(f"{BRAND}/recall?")
    assert stocked.location(f"{path}?linkType=gs1:pip", accept_language="en").startswith(f"{BRAND}/en?")
    stocked.link("pip", "/this-lot", lot="L1")
    assert stocked.location(f"{path}?linkType=gs1:pip", accept_language="en").startswith(f"{BRAND}/this-lot?")
    stocked.link("pip", "/this-item", serial=market.serial(1))
    assert stocked.location(f"{path}?linkType=gs1:pip").startswith(f"{BRAND}/this-item?")
    assert stocked.location(f"{market.path(2)}?linkType=gs1:pip").startswith(f"{BRAND}/this-lot?")
    assert stocked.recorded() == 0


def test_a_type_that_is_not_there_is_404_and_never_the_default(stocked: Shop, market: Market) -> None:
    for path in (PRODUCT, LOT, market.path(1)):
        for asked in ("gs1:epil", "nonsense", "gs1:defaultLinkMulti", "tea:nothing", "https://elsewhere.example/voc/pip"):
            answer = stocked.get(f"{path}?linkType={asked}")
            assert (answer.status, answer.json()["code"]) == (404, "link_type_missing"), (path, asked)
    assert stocked.get(f"{PRODUCT}?linkType=gs1:verificationService").status == 404


def test_a_linkset_is_200_and_never_a_redirect(stocked: Shop, market: Market) -> None:
    wanted = ("?linkType=linkset", "?linkType=all", "?linkType=gs1:linkset", "")
    for asked, (path, levels) in itertools.product(wanted, ((PRODUCT, 1), (LOT, 2), (market.path(1), 3))):
        answer = stocked.get(path + asked, accept="*/*" if asked else LINKSET)
        assert (answer.status, answer.headers["content-type"]) == (200, LINKSET)
        assert '; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"' in answer.headers["link"]
        assert len(answer.json()["linkset"]) == levels
    assert stocked.recorded() == 0


def test_a_browser_that_takes_anything_gets_no_linkset(stocked: Shop) -> None:
    for accept in ("text/html,*/*;q=0.8", f"text/html, {LINKSET};q=0.5", f"{LINKSET};q=0"):
        assert stocked.get(PRODUCT, accept=accept).status == 307


def test_links_that_nothing_tells_apart_are_300_with_these_links(stocked: Shop) -> None:
    stocked.link("pip", "/en-2", languages=("en",), title="Another <page>")
    answer = stocked.get(f"{PRODUCT}?linkType=pip", accept_language="en")
    assert (answer.status, answer.headers["content-type"]) == (300, LINKSET)
    (item,) = answer.json()["linkset"]
    assert set(item) == {"anchor", "itemDescription", VOC + "pip"}
    assert [link["href"] for link in item[VOC + "pip"]] == [f"{BRAND}/en", f"{BRAND}/en-2"]
    assert stocked.location(f"{PRODUCT}?linkType=pip", accept_language="zh").startswith(f"{BRAND}/zh")
    page = stocked.get(f"{PRODUCT}?linkType=pip", accept_language="en", accept="text/html")
    assert (page.status, page.headers["content-type"]) == (300, "text/html; charset=utf-8")
    assert "Another &lt;page&gt;" in page.body.decode()
    assert f"{BRAND}/en-2?linkType=pip" in page.body.decode()


def test_accept_language_is_honoured_by_quality_then_the_first_link_answers(stocked: Shop) -> None:
    for header, where in (
        ("de", "/rezepte"),
        ("de-CH, en", "/rezepte"),
        ("en;q=0.5, de;q=0.4", "/recipes"),
        ("en;q=0.4, de;q=0.5", "/rezepte"),
        ("fr, de;q=0", "/recipes"),
        ("fr", "/rezepte"),
        ("", "/rezepte"),
    ):
        found = stocked.location(f"{PRODUCT}?linkType=recipeInfo", accept_language=header)
        assert found.startswith(BRAND + where), header


def test_accept_chooses_the_media_type(stocked: Shop) -> None:
    asked = f"{PRODUCT}?linkType=instructions"
    assert stocked.location(asked, accept="application/pdf").startswith(f"{BRAND}/brew.pdf")
    assert stocked.location(asked, accept="text/html, application/pdf;q=0.9").startswith(f"{BRAND}/brew?")
    assert stocked.location(asked, accept="image/png").startswith(f"{BRAND}/brew.pdf"), "nothing fits: the first"


def test_the_query_goes_on_unless_the_link_says_no(shop: Shop) -> None:
    shop.link("support", "/help?from=code#top")
    shop.link("promotion", "/sale", passes_query=False)
    query = "linkType=gs1:support&utm=a%20b&17=281121"
    assert shop.location(f"{PRODUCT}?{query}") == f"{BRAND}/help?from=code&{query}#top"
    assert shop.location(f"{PRODUCT}?linkType=gs1:promotion&utm=x") == f"{BRAND}/sale"


def test_an_unknown_lot_walks_up_and_a_known_one_speaks_for_itself(stocked: Shop) -> None:
    unknown = f"{PRODUCT}/10/NEVER-MADE"
    assert stocked.location(unknown) == f"/p/{GTIN}"
    assert stocked.location(f"{unknown}?linkType=pip", accept_language="en").startswith(f"{BRAND}/en")
    assert stocked.location(f"{PRODUCT}/22/V2/10/NEVER-MADE") == f"/p/{GTIN}"
    assert [item["anchor"] for item in stocked.linkset(unknown)] == [f"{ORIGIN}{PRODUCT}"]
    assert stocked.location(LOT) == f"/p/{GTIN}/L1"
    stocked.link("homepage", "/start", role=Role.DEFAULT)
    assert stocked.location(LOT) == f"{BRAND}/start", "a lot without a default of its own has its product's"


def test_an_unknown_serial_never_walks_up_to_the_product(stocked: Shop, market: Market) -> None:
    for serial in ("ABC", market.serial(1)[:-1] + ("0" if market.serial(1)[-1] != "0" else "1")):
        for asked in ("linkset", "gs1:pip", "gs1:recallStatus", "nonsense"):
            answer = stocked.get(f"{PRODUCT}/21/{serial}?linkType={asked}")
            assert (answer.status, answer.json()["code"]) == (404, "code_not_issued")
        assert stocked.location(f"{PRODUCT}/21/{serial}", accept="text/html").startswith("/s/")
    assert stocked.get(f"{PRODUCT}/235/SOMEBODYS").json()["code"] == "code_not_issued"


def test_a_code_that_stands_for_no_goods_tells_of_its_verification_alone(stocked: Shop, market: Market) -> None:
    market.decide(ranges.void, first=5, last=5, reason="stolen")
    stocked.edge.look_after()
    (item,) = stocked.linkset(market.path(5))
    assert set(item) == {"anchor", "itemDescription", VOC + "defaultLink", VOC + "verificationService"}
    assert stocked.get(f"{market.path(5)}?linkType=pip").status == 404


def test_resolving_is_no_scan_and_only_the_verification_of_an_item_is_one(stocked: Shop, market: Market) -> None:
    path = market.path(3)
    for ask in ("?linkType=linkset", "?linkType=gs1:pip", "?linkType=nonsense"):
        stocked.get(path + ask, accept="text/html")
    stocked.phone.ask("HEAD", path)
    stocked.phone.ask("OPTIONS", path)
    stocked.get(path, accept=LINKSET)
    stocked.get(PRODUCT, accept="text/html")
    assert stocked.recorded() == 0
    for ask in ("", "?linkType=gs1:verificationService", "?linkType=gs1%3AdefaultLink"):
        assert stocked.location(path + ask, accept="text/html").startswith("/s/")
    assert stocked.recorded() == 3


def test_compressed_links_are_refused_and_told_so(shop: Shop) -> None:
    for path in ("/AQnYUc1gmg", f"{PRODUCT}/BPqCzg2h", f"/shop{PRODUCT}/BPqCzg2h"):
        answer = shop.get(path)
        assert (answer.status, answer.json()["code"]) == (400, "dl_compressed"), path


def test_the_description_file_says_what_can_be_asked(stocked: Shop) -> None:
    stocked.link("support", "/eu", contexts=("EU", "CN"))
    answer = stocked.get("/.well-known/gs1resolver")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["access-control-allow-origin"] == "*"
    said = answer.json()
    assert said["resolverRoot"] == ORIGIN
    assert said["supportedPrimaryKeys"] == ["01"]
    assert said["supportedLinkType"] == [
        {"namespace": "https://tea.example.com/voc/", "prefix": "tea:"},
        {"namespace": VOC, "prefix": "gs1:"},
    ]
    assert said["supportedContextValuesEnumerated"] == ["CN", "EU"]
    assert said["linkTypeDefaultCanBeLinkset"] is False
    assert said["contact"] == {"fn": "Tea House"}
    assert set(said) <= {
        "name", "resolverRoot", "supportedPrimaryKeys", "supportedLinkType", "supportedContextValuesEnumerated",
        "linkTypeDefaultCanBeLinkset", "jsonLdContextLocation", "contact",
    }  # fmt: skip
    assert stocked.phone.ask("OPTIONS", "/.well-known/gs1resolver").status == 204


def test_caches_may_keep_products_for_a_minute_and_items_never(stocked: Shop, market: Market) -> None:
    for path in (PRODUCT, LOT, f"{PRODUCT}?linkType=linkset", f"{PRODUCT}?linkType=pip"):
        assert stocked.get(path).headers["cache-control"] == "public, max-age=60"
    for path in (market.path(1), f"{market.path(1)}?linkType=linkset", f"{market.path(1)}?linkType=pip", f"{PRODUCT}/21/ABC"):
        assert stocked.get(path).headers["cache-control"] == "no-store"


def test_a_scan_of_an_item_never_looks_at_links(stocked: Shop, market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise AssertionError("a scan read a wish")

    monkeypatch.setattr(wishes, "read", fail)
    assert stocked.location(market.path(1), accept="text/html", accept_language="zh-CN").startswith("/s/")
