"""EPC URNs and Digital Links: the standard's examples both ways, and every key with every length of company prefix."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.gs1 import epc_urns, gs1_links
from codegen.gs1.gs1_links import Element, Gs1Link
from codegen.gtin import check_digit
from kit.refusals import Malformed
from tests.codegen.gs1.link_strategies import cset_82, links

TWINS = [
    ("urn:epc:id:sgtin:0614141.112345.400", "/01/10614141123459/21/400"),
    ("urn:epc:id:sgtin:0614141.112345.32a%2Fb", "/01/10614141123459/21/32a%2Fb"),
    ("urn:epc:id:sgtin:0614141.112345.a.b", "/01/10614141123459/21/a.b"),
    ("urn:epc:idpat:sgtin:0614141.112345.*", "/01/10614141123459"),
    ("urn:epc:class:lgtin:4012345.012345.998877", "/01/04012345123456/10/998877"),
    ("urn:epc:id:upui:1234567.089456.51qIgY)%3C%26Jp3*j7'SDB", "/01/01234567894560/235/51qIgY%29%3C%26Jp3%2Aj7%27SDB"),
    ("urn:epc:id:sscc:0614141.1234567890", "/00/106141412345678908"),
    ("urn:epc:id:sgln:0614141.12345.400", "/414/0614141123452/254/400"),
    ("urn:epc:id:sgln:0614141.12345.0", "/414/0614141123452"),
    ("urn:epc:id:pgln:1234567.89012", "/417/1234567890128"),
    ("urn:epc:id:grai:0614141.12345.400", "/8003/00614141123452400"),
    ("urn:epc:id:giai:0614141.12345400", "/8004/061414112345400"),
    ("urn:epc:id:gsrn:0614141.1234567890", "/8018/061414112345678902"),
    ("urn:epc:id:gsrnp:0614141.1234567890", "/8017/061414112345678902"),
    ("urn:epc:id:gdti:0614141.12345.400", "/253/0614141123452400"),
    ("urn:epc:id:sgcn:4012345.67890.04711", "/255/401234567890104711"),
    ("urn:epc:id:cpi:0614141.123ABC.123456789", "/8010/0614141123ABC/8011/123456789"),
    ("urn:epc:id:cpi:0614141.5PQ7%2FZ43.12345", "/8010/06141415PQ7%2FZ43/8011/12345"),
    ("urn:epc:id:itip:4012345.012345.01.02.987", "/8006/040123451234560102/21/987"),
]


@pytest.mark.parametrize(("urn", "path"), TWINS)
def test_twins_find_each_other(urn: str, path: str) -> None:
    uri = f"https://id.gs1.org{path}"
    assert gs1_links.canonical(epc_urns.link_of(urn)) == uri
    assert epc_urns.urn_of(gs1_links.parse(uri), company_prefix_length=7) == urn


def test_the_company_prefix_decides_where_the_urn_is_cut() -> None:
    link = gs1_links.parse("https://id.example.com/01/09521234543213/21/A7")
    assert epc_urns.urn_of(link, company_prefix_length=7) == "urn:epc:id:sgtin:9521234.054321.A7"
    assert epc_urns.urn_of(link, company_prefix_length=10) == "urn:epc:id:sgtin:9521234543.021.A7"
    assert epc_urns.urn_of(link, company_prefix_length=12) == "urn:epc:id:sgtin:952123454321.0.A7"
    with pytest.raises(ValueError, match="4 to 12"):
        epc_urns.urn_of(link, company_prefix_length=3)


@given(links(), st.integers(4, 12))
def test_a_twin_of_a_twin_is_the_constrained_form(link: Gs1Link, company_prefix_length: int) -> None:
    with suppress(Malformed):  # some keys have no twin, others none without a serial
        urn = epc_urns.urn_of(link, company_prefix_length=company_prefix_length)
        assert gs1_links.build(epc_urns.link_of(urn)) == gs1_links.constrained(link)


@given(st.text("0123456789", min_size=13, max_size=13), cset_82(20), st.integers(4, 12))
def test_every_item_has_a_twin(digits: str, serial: str, company_prefix_length: int) -> None:
    key = Element(ai="01", value=digits + check_digit(digits))
    link = Gs1Link(stem="https://id.gs1.org", key=key, qualifiers=(Element(ai="21", value=serial),))
    assert epc_urns.link_of(epc_urns.urn_of(link, company_prefix_length=company_prefix_length)) == link


@pytest.mark.parametrize(
    ("urn", "code", "detail"),
    [
        ("urn:epc:id:sgtin", "urn_syntax", "does not begin"),
        ("urn:epc:tag:sgtin-96:3.0614141.112345.400", "urn_syntax", "does not begin"),
        ("urn:epc:id:adi:2S123.1", "urn_scheme", "'adi'"),
        ("urn:epc:id:lgtin:4012345.012345.998877", "urn_syntax", "belongs to urn:epc:class:"),
        ("urn:epc:id:sgtin:0614141.112345", "urn_syntax", "3 parts between its dots, not 2"),
        (
            "urn:epc:id:sgtin:0614141.11234.400",
            "urn_part",
            "Part 2 of the URN is wrong: with the company prefix it has 13 digits",
        ),
        ("urn:epc:id:sgtin:06A4141.112345.400", "urn_part", "Part 1"),
        ("urn:epc:id:sgtin:061.4141112345.400", "urn_part", "4 to 12 digits"),
        ("urn:epc:id:sgtin:0614141.112345.", "urn_part", "Part 3 of the URN is wrong: it is empty"),
        ("urn:epc:id:sgtin:0614141.112345.a/b", "urn_part", "written encoded"),
        ("urn:epc:id:sgtin:0614141.112345.a%2", "urn_part", "broken"),
        ("urn:epc:id:sgtin:0614141.112345.%FF", "urn_part", "UTF-8"),
        ("urn:epc:id:sgtin:0614141.112345.a%20b", "dl_character", "Character 2 of the value of AI 21"),
        ("urn:epc:id:sgtin:0614141.112345." + "x" * 21, "dl_value_too_long", "AI 21"),
        ("urn:epc:idpat:sgtin:0614141.112345.400", "urn_syntax", "pattern"),
        ("urn:epc:id:sgtin:" + "1" * 300, "urn_syntax", "longer than 300"),
    ],
)
def test_each_fault_of_a_urn_has_its_name(urn: str, code: str, detail: str) -> None:
    with pytest.raises(Malformed) as refused:
        epc_urns.link_of(urn)
    assert refused.value.code == code
    assert detail in refused.value.detail


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/401/9521234XYZ", "AI 401 has no EPC scheme"),
        ("/253/9521234000013", "AI 253 has no serial"),
        ("/8010/9521234ABC", "AI 8011 is missing"),
        ("/8004/95212ABC", "does not begin with a company prefix of 7 digits"),
        ("/414/9521234000013/254/0", "the extension 0"),
    ],
)
def test_what_has_no_twin_says_why(path: str, why: str) -> None:
    with pytest.raises(Malformed) as refused:
        epc_urns.urn_of(gs1_links.parse(f"https://a{path}"), company_prefix_length=7)
    assert refused.value.code == "urn_no_twin"
    assert why in refused.value.detail
