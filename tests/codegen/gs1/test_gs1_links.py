"""Digital Link URIs of every kind: what is read behind which disguise, what is refused and by which name, the canonical forms."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.gs1 import gs1_links
from codegen.gs1.application_identifiers import CSET_82, RULES
from codegen.gs1.gs1_links import Element, Gs1Link
from kit.refusals import Malformed
from tests.codegen.gs1.link_strategies import links

GTIN = "09521234543213"
ITEM = f"https://id.example.com/01/{GTIN}/21/A7"


def disguised(link: Gs1Link, data: st.DataObject) -> str:
    """The same link as somebody else may have written it: needless encoding, either case of hexadecimal digits, empty parameters."""

    def written(value: str, *, plain: str) -> str:
        kept = "".join(character for character in plain if data.draw(st.booleans()))
        text = quote(value, safe=kept)
        return text.lower() if value.islower() and data.draw(st.booleans()) else text

    path = "".join(f"/{element.ai}/{written(element.value, plain='!&()*+,:;=')}" for element in link.path)
    parameters = [f"{element.ai}={written(element.value, plain='/:?!')}" for element in link.attributes]
    parameters += link.others
    joint = data.draw(st.sampled_from(["&", "&&"]))
    query = f"?{joint.join(parameters)}" if len(parameters) > 0 or data.draw(st.booleans()) else ""
    return f"{link.stem}{path}{query}{data.draw(st.sampled_from(['', '#', '#/01/x']))}"


def spelled(link: Gs1Link) -> str:
    """The canonical form, written down a second time."""
    path = "".join(f"/{element.ai}/{quote(element.value, safe='')}" for element in link.path)
    query = "&".join(sorted(f"{element.ai}={quote(element.value, safe='')}" for element in link.attributes))
    return f"https://id.gs1.org{path}" + (f"?{query}" if query else "")


@given(st.data())
def test_a_link_is_read_whatever_it_looks_like_and_written_in_one_way(data: st.DataObject) -> None:
    link = data.draw(links())
    read = gs1_links.parse(disguised(link, data))
    assert read == link
    assert gs1_links.parse(gs1_links.build(read)) == link
    assert gs1_links.canonical(read) == spelled(link)
    assert gs1_links.canonical(gs1_links.parse(gs1_links.canonical(read))) == spelled(link)


@given(st.text(sorted(CSET_82 | set("#[]@$~")), max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    for uri in (text, f"https://a/{text}", f"{ITEM}?{text}"):
        with suppress(Malformed):
            gs1_links.parse(uri)


@pytest.mark.parametrize(
    "uri",
    [
        ITEM,
        f"HTTPS://ID.EXAMPLE.COM/01/{GTIN}/21/A7",
        f"http://localhost:8000/a/b/01/{GTIN}/21/A7",
        f"{ITEM}#01/2",
        f"{ITEM}?",
        f"{ITEM}?&&",
        f"https://a.b/01/12345678901231/01/{GTIN}/21/A7",
        f"https://a.b/00/x/01/{GTIN}/21/%417",
    ],
)
def test_accepted_forms_name_the_same_item(uri: str) -> None:
    assert gs1_links.canonical(gs1_links.parse(uri)) == f"https://id.gs1.org/01/{GTIN}/21/A7"


def test_the_rightmost_key_wins() -> None:
    link = gs1_links.parse("https://a/00/faux/00/006141411234567890")
    assert (link.stem, link.key) == ("https://a/00/faux", Element(ai="00", value="006141411234567890"))


def test_an_encoded_slash_belongs_to_its_value_in_either_case() -> None:
    for slash in ("%2f", "%2F"):
        link = gs1_links.parse(f"https://a/01/{GTIN}/10/A{slash}B")
        assert link.value("10") == "A/B"
        assert gs1_links.build(link) == f"https://a/01/{GTIN}/10/A%2FB"


def test_a_plus_is_itself_in_the_path_and_never_written_plain() -> None:
    link = gs1_links.parse(f"https://a/01/{GTIN}/21/x+1?240=a%2Bb")
    assert (link.value("21"), link.value("240")) == ("x+1", "a+b")
    assert gs1_links.build(link) == f"https://a/01/{GTIN}/21/x%2B1?240=a%2Bb"


def test_case_tells_items_apart() -> None:
    assert gs1_links.parse(ITEM) != gs1_links.parse(ITEM.replace("A7", "a7"))


def test_parameters_of_others_are_kept_for_passing_on_and_left_out_of_the_canonical_form() -> None:
    link = gs1_links.parse(f"{ITEM}?linkType=gs1:pip&17=291100&flag&s=%41")
    assert link.others == ("linkType=gs1:pip", "flag", "s=%41")
    assert gs1_links.build(link) == f"{ITEM}?17=291100&linkType=gs1:pip&flag&s=%41"
    assert gs1_links.canonical(link) == f"https://id.gs1.org/01/{GTIN}/21/A7?17=291100"


A = "https://a"
REFUSED = [
    # the frame
    ("", "dl_scheme", {}),
    (f"HtTpS://a/01/{GTIN}", "dl_scheme", {}),
    (f"ftp://a/01/{GTIN}", "dl_scheme", {}),
    (f"https:///01/{GTIN}", "dl_host", {"host": ""}),
    (f"https://u@a/01/{GTIN}", "dl_host", {"host": "u@a"}),
    (f"https://a_b/01/{GTIN}", "dl_host", {"host": "a_b"}),
    ("https://a?01", "dl_host", {"host": "a?01"}),
    ("https://a", "dl_syntax", {"why": "nothing stands behind the host"}),
    (f"{A}/01/{GTIN}/", "dl_syntax", {"why": "it ends with a slash"}),
    (f"{A}/01/{GTIN}/21/A B", "dl_uri_character", {"position": 33}),
    (f"{A}/01/{GTIN}/21/茶", "dl_uri_character", {"position": 32}),
    (f"{A}/01/{GTIN}/21/" + "x" * 2048, "dl_syntax", {"why": "longer than 2048 characters"}),
    (f"{A}/01/{GTIN}?" + "x&" * 65, "dl_syntax", {"why": "more than 64 parameters"}),
    # keys
    (f"{A}/", "dl_syntax", {"why": "nothing stands behind the host"}),
    (f"{A}/x", "dl_no_key", {"part": "x"}),
    (f"{A}/01", "dl_value_missing", {"ai": "01"}),
    (f"{A}/01/{GTIN}/21", "dl_value_missing", {"ai": "21"}),
    (f"{A}/gtin/{GTIN}", "dl_no_key", {"part": "gtin"}),
    (f"{A}/01/{GTIN}/ser/A7", "dl_no_key", {"part": "ser"}),
    (f"{A}/01/{GTIN}/9999/A7", "dl_no_key", {"part": "9999"}),
    (f"{A}/21/A7", "dl_no_key", {"part": "21"}),
    # values
    (f"{A}/01//21/A7", "dl_value_missing", {"ai": "01"}),
    (f"{A}/01/{GTIN}/10//21/A7", "dl_value_missing", {"ai": "10"}),
    (f"{A}/01/{GTIN}?17=", "dl_value_missing", {"ai": "17"}),
    (f"{A}/01/9521234543213", "dl_value_too_short", {"ai": "01", "length": 13, "length_min": 14}),
    (f"{A}/01/0{GTIN}", "dl_value_too_long", {"ai": "01", "length": 15, "length_max": 14}),
    (f"{A}/01/09521234543214", "dl_check_digit", {"ai": "01", "expected": "3", "found": "4"}),
    (f"{A}/00/006141411234567891", "dl_check_digit", {"ai": "00", "expected": "0", "found": "1"}),
    (f"{A}/8018/095212345123456750", "dl_check_digit", {"ai": "8018", "expected": "4", "found": "0"}),
    (f"{A}/01/0952123454321X", "dl_character", {"ai": "01", "position": 14}),
    (f"{A}/01/{GTIN}/21/{'A' * 21}", "dl_value_too_long", {"ai": "21", "length": 21, "length_max": 20}),
    (f"{A}/01/{GTIN}/21/A%20B", "dl_character", {"ai": "21", "position": 2}),
    (f"{A}/01/{GTIN}/21/A%00", "dl_character", {"ai": "21", "position": 2}),
    (f"{A}/01/{GTIN}/21/A~", "dl_character", {"ai": "21", "position": 2}),
    (f"{A}/01/{GTIN}/21/A%2", "dl_percent_encoding", {"part": "A%2"}),
    (f"{A}/01/{GTIN}/21/A%FF", "dl_percent_encoding", {"part": "A%FF"}),
    (f"{A}/01/{GTIN}?240=a+b", "dl_character", {"ai": "240", "position": 2}),
    (f"{A}/01/{GTIN}/21/A?8030=a.b", "dl_character", {"ai": "8030", "position": 2}),
    (f"{A}/8004/95X1", "dl_character", {"ai": "8004", "position": 3}),
    (f"{A}/8004/952", "dl_value_too_short", {"ai": "8004", "length": 3, "length_min": 4}),
    (f"{A}/8006/{GTIN}0302", "dl_content", {"ai": "8006", "value": "0302", "wanted": "a piece number and the total of pieces"}),
    (f"{A}/8003/1{GTIN[1:]}", "dl_content", {"ai": "8003", "value": "1", "wanted": "0"}),
    (f"{A}/8013/1987654Ad4X4bL5ttr2310cXK", "dl_check_characters", {"ai": "8013", "expected": "2K", "found": "XK"}),
    # dates
    (f"{A}/01/{GTIN}?17=290229", "dl_date", {"ai": "17", "value": "290229"}),
    (f"{A}/01/{GTIN}?17=261301", "dl_date", {"ai": "17", "value": "261301"}),
    (f"{A}/01/{GTIN}?11=260001", "dl_date", {"ai": "11", "value": "260001"}),
    (f"{A}/01/{GTIN}?15=260431", "dl_date", {"ai": "15", "value": "260431"}),
    (f"{A}/01/{GTIN}?7003=2604302460", "dl_content", {"ai": "7003", "value": "2460", "wanted": "a time of day, HHMM"}),
    # places and company
    (f"{A}/01/{GTIN}/21/S/10/L", "dl_qualifier_order", {"ai": "10", "after": "21"}),
    (f"{A}/01/{GTIN}/10/L/22/V", "dl_qualifier_order", {"ai": "22", "after": "10"}),
    (f"{A}/01/{GTIN}/10/L/10/M", "dl_duplicate_ai", {"ai": "10"}),
    (f"{A}/01/{GTIN}/10/L/235/X", "dl_qualifiers_mixed", {"ai": "10", "other": "235"}),
    (f"{A}/01/{GTIN}/17/261122", "dl_not_qualifier", {"ai": "17", "key": "01"}),
    ("https://a/00/006141411234567890/21/S", "dl_not_qualifier", {"ai": "21", "key": "00"}),
    (f"{A}/01/{GTIN}/21/S?10=L", "dl_belongs_in_path", {"ai": "10", "key": "01"}),
    (f"{A}/01/{GTIN}?21=S", "dl_belongs_in_path", {"ai": "21", "key": "01"}),
    (f"{A}/01/{GTIN}/21/S?235=X", "dl_not_attribute", {"ai": "235"}),
    (f"{A}/01/{GTIN}/21/S?8200=x", "dl_not_attribute", {"ai": "8200"}),
    (f"{A}/01/{GTIN}?17=261122&17=261122", "dl_duplicate_attribute", {"ai": "17"}),
    (f"{A}/01/{GTIN}?01={GTIN}", "dl_duplicate_attribute", {"ai": "01"}),
    (f"{A}/01/{GTIN}?123=x", "dl_unknown_attribute", {"ai": "123"}),
    (f"{A}/01/{GTIN}?250=x", "dl_needs", {"ai": "250", "needs": "AI 01 with 21 or 03 with 21 or 8006 with 21"}),
    (f"{A}/01/{GTIN}/10/L?8030=AB", "dl_needs", None),
    ("https://a/253/9521234000013?8030=AB", "dl_needs", {"ai": "8030", "needs": "a serial in AI 253"}),
    ("https://a/415/9521234000013", "dl_needs", {"ai": "415", "needs": "AI 8020"}),
    (f"{A}/00/006141411234567890?02={GTIN}", "dl_needs", {"ai": "02", "needs": "AI 37"}),
    (f"{A}/01/{GTIN}?37=5&00=006141411234567890", "dl_excludes", {"ai": "01", "other": "37"}),
    (f"{A}/01/{GTIN}?3102=000001&3103=000001", "dl_excludes", {"ai": "3102", "other": "3103"}),
    ("https://a/8017/095212345123456754?8018=095212345123456754", "dl_excludes", {"ai": "8017", "other": "8018"}),
]


@pytest.mark.parametrize(("uri", "code", "data"), REFUSED)
def test_each_fault_has_its_name_and_names_its_part(uri: str, code: str, data: dict[str, object] | None) -> None:
    with pytest.raises(Malformed) as refused:
        gs1_links.parse(uri)
    assert (refused.value.code, refused.value.status) == (code, 400), refused.value.detail
    assert data is None or refused.value.data == data
    assert "{" not in refused.value.detail


@pytest.mark.parametrize("value", ["290200", "280229", "991231", "491130"])
def test_a_day_may_be_left_open_and_leap_years_are_known(value: str) -> None:
    assert gs1_links.parse(f"{ITEM}?17={value}").value("17") == value


def test_a_known_check_pair_is_accepted() -> None:
    assert gs1_links.parse("https://a/8013/1987654Ad4X4bL5ttr2310c2K").key.ai == "8013"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (f"/01/{GTIN}/22/V/10/L/21/S?17=261122", f"/01/{GTIN}/21/S"),
        (f"/01/{GTIN}/22/V/10/L", f"/01/{GTIN}/10/L"),
        (f"/01/{GTIN}/22/V", f"/01/{GTIN}"),
        (f"/01/{GTIN}/235/T", f"/01/{GTIN}/235/T"),
        ("/414/9521234000013/254/LINE1", "/414/9521234000013/254/LINE1"),
        ("/414/9521234000013", "/414/9521234000013"),
        ("/417/9521234000013?99=x", "/417/9521234000013"),
        ("/8018/095212345123456754/8019/1", "/8018/095212345123456754"),
        (f"/8006/{GTIN}0102/10/L/21/S", f"/8006/{GTIN}0102/21/S"),
    ],
)
def test_event_hashes_keep_the_finest_level_alone(path: str, kept: str) -> None:
    assert gs1_links.constrained(gs1_links.parse(f"https://id.example.com/stem{path}")) == f"https://id.gs1.org{kept}"


def test_a_link_that_no_uri_may_say_is_not_built() -> None:
    with pytest.raises(Malformed, match="check digit"):
        gs1_links.build(Gs1Link(stem="https://a", key=Element(ai="01", value="09521234543214")))
    with pytest.raises(Malformed, match="name a GS1 key"):
        gs1_links.build(Gs1Link(stem="https://a", key=Element(ai="21", value="S")))


def test_every_rule_refers_to_identifiers_that_exist() -> None:
    for rule in RULES.values():
        patterns = [
            *rule.excludes,
            *(ai for group in rule.needs for ai in group),
            *(ai for row in rule.qualifiers or () for ai in row),
        ]
        for pattern in patterns:
            stem = pattern.rstrip("n")
            assert any(len(ai) == len(pattern) and ai.startswith(stem) for ai in RULES), (rule.ai, pattern)
