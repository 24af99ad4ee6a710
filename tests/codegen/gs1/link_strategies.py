"""Hypothesis strategies for links of many keys, each with values that its AI allows."""

from hypothesis import strategies as st

from codegen.gs1.ai_contents import check_pair
from codegen.gs1.application_identifiers import CSET_39, CSET_64, CSET_82
from codegen.gs1.gs1_links import Element, Gs1Link
from codegen.gtin import check_digit

STEMS = ("https://id.example.com", "HTTPS://A.B:8443", "http://a/x/y", "https://a/00/faux", "http://[::1]/01")


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


def checked(length: int) -> st.SearchStrategy[str]:
    return digits(length - 1).map(lambda text: text + check_digit(text))


def cset_82(length_max: int, *, length_min: int = 1) -> st.SearchStrategy[str]:
    return st.text(sorted(CSET_82), min_size=length_min, max_size=length_max)


def of_company(length_max: int) -> st.SearchStrategy[str]:
    return st.tuples(digits(7), cset_82(length_max - 7)).map("".join)


KEYS: dict[str, st.SearchStrategy[str]] = {
    "00": checked(18),
    "01": checked(14),
    "253": st.tuples(checked(13), cset_82(17, length_min=0)).map("".join),
    "401": of_company(30),
    "402": checked(17),
    "414": checked(13),
    "417": checked(13),
    "8003": st.tuples(checked(13), cset_82(16, length_min=0)).map(lambda parts: "0" + "".join(parts)),
    "8004": of_company(30),
    "8006": checked(14).map(lambda gtin: f"{gtin}0203"),
    "8010": st.tuples(digits(7), st.text(sorted(CSET_39), max_size=23)).map("".join),
    "8013": of_company(23).map(lambda text: text + check_pair(text)),
    "8017": checked(18),
    "8018": checked(18),
}
QUALIFIERS = {"22": cset_82(20), "10": cset_82(20), "21": cset_82(20), "235": cset_82(28), "254": cset_82(20), "8019": digits(9)}
SEQUENCES: dict[str, list[tuple[str, ...]]] = {
    "01": [("22", "10", "21"), ("235",)],
    "8006": [("10", "21")],  # the dictionary names 22 among its qualifiers, and gives it no meaning without 01
    "414": [("254",)],
    "8017": [("8019",)],
}
DATES = st.dates().map(lambda day: f"{day:%y%m}00")
FOR_ITEMS: dict[str, st.SearchStrategy[str]] = {
    "17": DATES,
    "3103": digits(6),
    "422": st.just("156"),
    "240": cset_82(30),
    "8030": st.text(sorted(CSET_64 - {"="}), min_size=1, max_size=90),
}
FOR_ANYTHING: dict[str, st.SearchStrategy[str]] = {"90": cset_82(30), "99": cset_82(90), "400": cset_82(30), "410": checked(13)}


@st.composite
def links(draw: st.DrawFn) -> Gs1Link:
    ai = draw(st.sampled_from(sorted(KEYS)))
    key = Element(ai=ai, value=draw(KEYS[ai]))
    sequence = draw(st.sampled_from(SEQUENCES.get(ai, [()])))
    chosen = [one for one in sequence if draw(st.booleans())]
    serial = "21" in chosen and ai == "01"
    possible = FOR_ANYTHING | (FOR_ITEMS if serial else {})
    attributes = draw(st.lists(st.sampled_from(sorted(possible)), unique=True, max_size=4))
    return Gs1Link(
        stem=draw(
            st.sampled_from(
                ["https://id.example.com", "HTTPS://A.B:8443", "http://a/x/y", "https://a/00/faux", "http://[::1]/01"]
            )
        ),
        key=key,
        qualifiers=tuple(Element(ai=one, value=draw(QUALIFIERS[one])) for one in chosen),
        attributes=tuple(Element(ai=one, value=draw(possible[one])) for one in attributes),
        others=tuple(draw(st.lists(st.sampled_from(["utm=x", "flag", "n1=2", "s="]), max_size=2))),
    )
