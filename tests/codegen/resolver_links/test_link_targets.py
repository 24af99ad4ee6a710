"""Where links may lead, and which types they may have."""

import pytest

from codegen.resolver_links import link_targets, link_types
from codegen.resolver_links.link_targets import TARGET_LENGTH_MAX
from kit.refusals import Invalid

ALLOWED = ("tea.example.com",)
OWN = ("id.tea.example.com",)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://tea.example.com", "https://tea.example.com/"),
        (" https://Shop.TEA.example.com/A?b=c#d ", "https://shop.tea.example.com/A?b=c#d"),
        ("https://tea.example.com:8443/x", "https://tea.example.com:8443/x"),
        ("https://tea.example.com?x=1", "https://tea.example.com/?x=1"),
        ("https://tea.example.com/%E8%8C%B6", "https://tea.example.com/%E8%8C%B6"),
    ],
)
def test_a_target_is_kept_with_its_host_in_small_letters_and_a_path(typed: str, kept: str) -> None:
    assert link_targets.checked(typed, allowed=ALLOWED, own=OWN) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("javascript:alert(1)", "target_scheme"),
        ("data:text/html,x", "target_scheme"),
        ("http://tea.example.com/", "target_scheme"),
        ("HTTPS://tea.example.com/", "target_scheme"),
        ("//tea.example.com/", "target_scheme"),
        ("/p/x", "target_scheme"),
        ("", "target_scheme"),
        ("https://", "target_character"),
        ("https:///tea.example.com", "target_host"),
        ("https://tea.example.com@evil.example/", "target_authority"),
        ("https://user:secret@tea.example.com/", "target_authority"),
        ("https://tea.example.com:0/", "target_authority"),
        ("https://tea.example.com:/", "target_authority"),
        ("https://tea.example.com:99999/", "target_authority"),
        ("https://tea.example.com\\@evil.example/", "target_character"),
        ("https://tea.example.com/a b", "target_character"),
        ("https://tea.example.com/a\r\nSet-Cookie:x", "target_character"),
        ("https://tea.example.com/{gtin}", "target_character"),
        ("https://tea.example.com/%zz", "target_character"),
        ("https://tea.example.com/茶", "target_character"),
        ("https://[::1", "target_authority"),
        ("https://127.0.0.1/", "target_host"),
        ("https://10.0.0.1/", "target_host"),
        ("https://127.1/", "target_host"),
        ("https://0x7f.1/", "target_host"),
        ("https://2130706433/", "target_host"),
        ("https://[::1]/", "target_host"),
        ("https://localhost/", "target_host"),
        ("https://a.localhost/", "target_host"),
        ("https://tea.example.com./", "target_host"),
        ("https://evil.example/", "target_host_not_allowed"),
        ("https://eviltea.example.com/", "target_host_not_allowed"),
        ("https://tea.example.com.evil.example/", "target_host_not_allowed"),
        ("https://id.tea.example.com/01/09521234543213", "target_own_host"),
        (f"https://tea.example.com/{'a' * TARGET_LENGTH_MAX}", "target_too_long"),
    ],
)
def test_everything_else_is_refused(typed: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        link_targets.checked(typed, allowed=ALLOWED, own=OWN)
    assert refused.value.code == code


OFFER = "https://shop.example/buy?aff=brand&to=%2Fhome&utm_source=label"


@pytest.mark.parametrize(
    "forged",
    [
        "aff=evil",
        "AFF=evil",
        "%61ff=evil",
        "aff",
        "aff[]=evil",
        "aff%5Bx%5D=evil",
        "[aff]=evil",
        "+aff=evil",
        "%20aff=evil",
        "aff%00x=evil",
        "utm.source=evil",
        "utm%20source=evil",
        "utm[source=evil",
        "to=//evil.example",
    ],
)
def test_what_a_phone_adds_never_names_again_what_the_brand_has_set(forged: str) -> None:
    assert link_targets.with_query(OFFER, forged.encode()) == OFFER
    for query in (f"{forged}&x=1", f"x=1&{forged}", f"{forged}&x=1&{forged}"):
        assert link_targets.with_query(OFFER + "#top", query.encode()) == f"{OFFER}&x=1#top"
    assert link_targets.with_query(OFFER, f"x=1;{forged}".encode()) == f"{OFFER}&x=1"
    assert link_targets.with_query("https://shop.example/buy#aff=1", forged.encode()).startswith("https://shop.example/buy?")


@pytest.mark.parametrize(
    "query",
    [
        "linkType=gs1:pip&17=281121&utm=a%20b",
        "affiliate=1&xaff=2&x%5Baff%5D=3",
        "&&a=1;b=2&",
        "=1&&=2",
        "a=%2&b=%zz&c=?/:@!$'()*+,",
        "from=%E8%8C%B6&x=aff=1",
    ],
)
def test_everything_else_goes_on_byte_for_byte(query: str) -> None:
    assert link_targets.with_query(OFFER, query.encode()) == f"{OFFER}&{query}"
    assert link_targets.with_query("https://shop.example/buy", query.encode()) == f"https://shop.example/buy?{query}"
    assert link_targets.with_query("https://shop.example/buy?", query.encode()) == f"https://shop.example/buy?&{query}"


def test_a_type_is_one_iri_however_it_is_written_and_written_short_again() -> None:
    own = {"tea": "https://tea.example.com/voc/"}
    for text in ("pip", "gs1:pip", "https://gs1.org/voc/pip", "https://www.gs1.org/voc/pip", "https://ref.gs1.org/voc/pip"):
        assert link_types.checked(text, own) == link_types.PRODUCT_PAGE
    assert link_types.checked("tea:brewing", own) == "https://tea.example.com/voc/brewing"
    assert link_types.short("https://tea.example.com/voc/brewing", own) == "tea:brewing"
    assert link_types.short(link_types.PRODUCT_PAGE, own) == "gs1:pip"
    assert link_types.short("https://gone.example/voc/x", own) == "https://gone.example/voc/x"
    assert len(link_types.GIVEN) == 54


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Pip",
        "gs1:nonsense",
        "tea:",
        "tea:a-b",
        "tea:1",
        "other:x",
        "https://evil.example/voc/x",
        "tea:" + "a" * 300,
        "javascript:x",
    ],
)
def test_types_of_no_vocabulary_are_refused(text: str) -> None:
    with pytest.raises(link_types.LinkTypeUnknown):
        link_types.checked(text, {"tea": "https://tea.example.com/voc/"})


@pytest.mark.parametrize("text", ["gs1:defaultLink", "defaultLinkMulti", "https://gs1.org/voc/verificationService"])
def test_the_default_and_verification_are_no_brands_to_give(text: str) -> None:
    with pytest.raises(link_types.LinkTypeReserved):
        link_types.checked(text, {})


@pytest.mark.parametrize(
    ("prefix", "namespace"),
    [
        ("gs1", "https://tea.example.com/voc/"),
        ("https", "https://tea.example.com/voc/"),
        ("Tea", "https://tea.example.com/voc/"),
        ("a" * 21, "https://tea.example.com/voc/"),
        ("tea", "http://tea.example.com/voc/"),
        ("tea", "https://tea.example.com/voc"),
        ("tea", "https://tea.example.com/voc#"),
        ("tea", "https://my-tea.example.com/voc/"),
        ("tea", "https://ref.gs1.org/voc/"),
        ("tea", "https://tea.example.com/" + "a" * 200 + "/"),
    ],
)
def test_vocabularies_that_no_linkset_could_carry_are_refused(prefix: str, namespace: str) -> None:
    with pytest.raises(Invalid):
        link_types.checked_namespace(namespace) if link_types.checked_prefix(prefix) else None
