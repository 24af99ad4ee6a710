"""Choosing among links, without a server: what is read of headers, and which link fits."""

from codegen.resolver_links.link_table import Link
from scanservice.resolver import negotiation, wishes
from scanservice.resolver.wishes import ACCEPT_BYTES_MAX, RANGES_MAX, Document, Wish

PIP = "https://ref.gs1.org/voc/pip"


def link(name: str, *languages: str, media: str = "text/html", contexts: tuple[str, ...] = ()) -> Link:
    href = f"https://tea.example/{name}"
    return Link(type=PIP, href=href, title=name, languages=languages, media_type=media, contexts=contexts)


def wish(*, language: str = "", accept: str = "", query: str = "") -> Wish:
    return wishes.read(query=query.encode(), accept=accept.encode(), accept_language=language.encode())


def chosen(links: list[Link], asked: Wish) -> list[str]:
    return [one.title for one in negotiation.choose(links, asked)]


EN, ZH, ZH_TW, DE = link("en", "en"), link("zh", "zh-CN"), link("tw", "zh-TW"), link("de", "de", "fr")
EVERYWHERE = link("und")


def test_a_range_is_shortened_before_the_next_one_is_tried() -> None:
    assert chosen([EN, DE], wish(language="de-CH-1996, en")) == ["de"]
    assert chosen([EN, ZH, ZH_TW], wish(language="zh-TW, en")) == ["tw"]
    assert chosen([EN, ZH], wish(language="zh-Hans-CN, en")) == ["zh"]
    assert chosen([EN, ZH], wish(language="zh-TW, en")) == ["zh"], "its primary subtag fits before the next range"
    assert chosen([EN, ZH], wish(language="ja, en;q=0.1")) == ["en"]


def test_what_fits_nobody_goes_to_the_link_without_a_language_else_to_the_first() -> None:
    assert chosen([EN, EVERYWHERE, DE], wish(language="ja")) == ["und"]
    assert chosen([DE, EN], wish(language="ja")) == ["de"]
    assert chosen([DE, EN], wish()) == ["de"]
    assert chosen([DE, EN], wish(language="*")) == ["de"]


def test_a_language_of_quality_zero_is_taken_last() -> None:
    assert chosen([DE, EN], wish(language="de;q=0, fr;q=0, *")) == ["en"]
    assert chosen([DE], wish(language="de;q=0, fr;q=0")) == ["de"]


def test_media_types_by_the_most_specific_range() -> None:
    html, pdf, unknown = link("html"), link("pdf", media="application/pdf"), link("unknown", media="")
    assert chosen([html, pdf], wish(accept="application/pdf;q=0.5, */*;q=0.4")) == ["pdf"]
    assert chosen([html, pdf], wish(accept="text/*;q=0.3, text/html;q=0.1, application/pdf;q=0.2")) == ["pdf"]
    assert chosen([html, unknown], wish(accept="image/png, */*;q=0.1")) == ["html"]
    assert chosen([pdf, html], wish(accept="image/png")) == ["pdf"]


def test_context_comes_first_and_a_link_for_all_before_one_for_others() -> None:
    eu, cn, anywhere = link("eu", "en", contexts=("EU",)), link("cn", "en", contexts=("CN",)), link("any", "en")
    assert chosen([eu, cn, anywhere], wish(query="context=CN")) == ["cn"]
    assert chosen([eu, cn, anywhere], wish(query="context=US")) == ["any"]
    assert chosen([eu, cn, anywhere], wish()) == ["any"]
    assert chosen([eu, cn], wish(query="context=US")) == ["eu"]


def test_only_what_nothing_tells_apart_is_the_readers_choice() -> None:
    assert chosen([EN, link("en-2", "en"), DE], wish(language="en")) == ["en", "en-2"]
    assert chosen([EN, link("en-2", "en", "de")], wish(language="en")) == ["en"], "they differ, so the order decides"
    assert chosen([EN, link("en", "en")], wish(language="en")) == ["en"], "one address is one link"


def test_what_is_no_range_is_passed_over() -> None:
    read = wishes.language_ranges(b"de;q=2, en;q=x, , ;;;, zh;q=0.5, toolongforasubtag, fr; q=0.7,\xff")
    assert [(one.tag, one.quality) for one in read] == [("fr", 0.7), ("zh", 0.5)]
    assert wishes.media_ranges(b"text, text/html/x, */*;q=0.1;level=1, application/json;q=1.0000") == (
        wishes.MediaRange(kind="*", subtype="*", quality=0.1),
    )


def test_of_an_endless_header_the_beginning_is_read() -> None:
    assert len(wishes.language_ranges(b",".join(b"xx-%d" % one for one in range(1000)))) == RANGES_MAX
    endless = b"en;q=0.1, " + b" " * ACCEPT_BYTES_MAX + b"zh;q=0.9"
    assert [one.tag for one in wishes.language_ranges(endless)] == ["en"]


def test_the_linkset_is_wanted_where_nothing_is_wanted_more() -> None:
    linkset = "application/linkset+json"
    assert wish(accept=linkset).document is Document.GS1
    assert wish(accept=f"{linkset}, text/html").document is Document.GS1
    assert wish(accept=f"{linkset};q=0.9, text/html").document is Document.NONE
    assert wish(accept=f"{linkset};q=0.9, text/html", query="linkType=linkset").document is Document.GS1
    assert wish(accept=f'{linkset}; profile="{wishes.PLAIN_PROFILE}"').document is Document.PLAIN
    assert wish(accept="*/*").document is Document.NONE
