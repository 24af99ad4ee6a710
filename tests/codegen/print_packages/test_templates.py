"""Templates: what is refused, and that a template survives being written down."""

from typing import Any

import pytest

from codegen.print_packages import templates
from codegen.print_packages.templates import Column, Encoding, Quotes, Source, Template, TemplateFormula, TemplateMalformed


def fixed(text: str, **settings: Any) -> Template:
    return Template(
        name="t",
        columns=(Column(source=Source.FIXED, heading="h", text=text), *templates.columns(Source.SERIAL)),
        **settings,
    )


@pytest.mark.parametrize("name", templates.BUILT_IN)
def test_a_template_survives_being_written_down(name: str) -> None:
    template = templates.built_in(name)
    assert Template.from_plain(template.as_plain()) == template


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(templates.TemplateUnknown, match="csv, pins, tsv"):
        templates.built_in("xlsx")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "＝1"])
def test_no_text_begins_like_a_formula(text: str) -> None:
    with pytest.raises(TemplateFormula):
        fixed(text)
    with pytest.raises(TemplateFormula):
        Template(name="t", columns=(Column(source=Source.SERIAL, heading=text),))


def test_a_separator_inside_a_text_needs_quotes() -> None:
    assert fixed('a,"b"').cell('a,"b"') == '"a,""b"""'
    assert fixed("a,b", separator="semicolon").cell("a,b") == "a,b"
    with pytest.raises(TemplateMalformed, match="neighbours"):
        fixed("a,b", quotes=Quotes.NONE)


def test_halves_of_characters_and_line_breaks_are_refused() -> None:
    assert fixed("茶 🍵", encoding=Encoding.GB18030)
    for text in (chr(0xD800), "a\nb", "a\x00b"):
        with pytest.raises(TemplateMalformed, match="printable"):
            fixed(text)


@pytest.mark.parametrize(
    "plain",
    [
        {"columns": []},
        {"columns": "url"},
        {"columns": [{"source": "colour"}]},
        {"columns": [{"source": "url", "text": "x"}]},
        {"columns": [{"source": "url", "width": "3"}]},
        {"columns": [{"source": "url"}] * 33},
        {"columns": [{"source": "url", "heading": "a\nb"}]},
        {"columns": [{"source": "url"}], "separator": "x"},
        {"columns": [{"source": "url"}], "line_end": "cr"},
        {"columns": [{"source": "url"}], "header": "yes"},
        {"columns": [{"source": "url"}], "encoding": "latin-1"},
        {"columns": [{"source": "url"}], "suffix": "../x"},
        {"columns": [{"source": "url"}], "speed": "fast"},
    ],
)
def test_what_is_no_template_is_refused_by_its_part(plain: dict[str, Any]) -> None:
    with pytest.raises(TemplateMalformed):
        Template.from_plain(plain)


def test_headings_default_to_the_sources() -> None:
    template = Template.from_plain({"columns": [{"source": "url"}, {"source": "serial"}], "name": "mine"})
    assert template.header_line() == b"url,serial\n"
