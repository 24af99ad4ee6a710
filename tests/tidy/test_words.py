"""Every English phrase that pages show has its Chinese one, and no Chinese phrase is left without its English."""

import ast
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache

from babel.messages.extract import extract
from babel.messages.pofile import read_po

from tests.tidy.tree import ROOT, Module, modules, paths, report

KEYWORDS = {"_": None, "gettext": None, "lazy": None, "ngettext": (1, 2)}
SPEAKING = ("kit", "codegen", "supplychain", "scanservice", "crm", "campaigns", "web")
# What these refuse is read in a terminal or by programs alone, which speak English; the edge has pages with words of its own.
IN_TERMINALS = (
    "scanservice/edge/",
    "scanservice/hot/",
    "scanservice/ingest/",
    "scanservice/resolver/",
    "scanservice/catalogue.py",
    "scanservice/tickets.py",
    "web/cli/",
    "web/up.py",
    "web/instance.py",
    "web/doctor.py",
    "web/demo",
    "kit/csv_files.py",
    "kit/daemons.py",
    "kit/processes.py",
    "kit/redis_line.py",
    "kit/servers.py",
)
FILLED_IN = re.compile(r"%\((\w+)\)|(?<!\{)\{(\w+)")


@cache
def phrases() -> dict[str, list[str]]:
    """Where each English phrase is said."""
    said = defaultdict(list)
    for path in paths():
        if not path.startswith("web/") or not path.endswith((".py", ".html", ".txt")):
            continue
        method = "python" if path.endswith(".py") else "jinja2.ext:babel_extract"
        options = {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}
        with (ROOT / path).open("rb") as source:
            for line, phrase, _, _ in extract(method, source, keywords=KEYWORDS, options=options):
                for one in [phrase] if isinstance(phrase, str) else phrase:
                    if isinstance(one, str):
                        said[one].append(f"{path}:{line}")
    for module in modules(SPEAKING):
        if not module.path.startswith(IN_TERMINALS):
            for phrase, line in refused(module):
                said[phrase].append(f"{module.path}:{line}")
    return dict(said)


def refused(module: Module) -> Iterator[tuple[str, int]]:
    """What refusals say: `says = "..."` in their class, and `raise Invalid("...")` where a sentence is given."""
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                target = inner.targets[0] if isinstance(inner, ast.Assign) else getattr(inner, "target", None)
                value = getattr(inner, "value", None)
                if isinstance(target, ast.Name) and target.id == "says" and isinstance(value, ast.Constant) and value.value:
                    yield str(value.value), inner.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            of_refusals = isinstance(node.func.value, ast.Name) and node.func.value.id == "refusals"
            if of_refusals and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                yield node.args[0].value, node.lineno


@cache
def translations() -> dict[str, list[tuple[str, str]]]:
    """For each English phrase: its Chinese ones, each with its file."""
    found = defaultdict(list)
    for path in paths():
        if path.startswith("web/words/") and path.endswith(".zh.po"):
            with (ROOT / path).open("rb") as opened:
                for message in read_po(opened):
                    if message.id:
                        found[str(message.id)].append((str(message.string), path))
    return dict(found)


def test_every_phrase_has_its_chinese_one() -> None:
    missing = [
        f"{said[0]} {phrase!r}" for phrase, said in phrases().items() if not any(zh for zh, _ in translations().get(phrase, []))
    ]
    report(missing, instead="Translate it in web/words/<area>.zh.po, as a person of the trade would say it.")


def test_no_translation_is_left_over() -> None:
    report(
        [f"{entries[0][1]} {phrase!r}" for phrase, entries in translations().items() if phrase not in phrases()],
        instead="Nobody says this any more: delete it. If a phrase is chosen at run time, write it as lazy('...') where it is defined.",
    )


def test_a_phrase_is_translated_once() -> None:
    twice = {phrase: entries for phrase, entries in translations().items() if len(entries) > 1}
    report(
        [f"{phrase!r} in {', '.join(path for _, path in entries)}" for phrase, entries in twice.items()],
        instead="Keep one: catalogues are read together, and the last would win.",
    )


def test_both_languages_fill_in_the_same_values() -> None:
    faults = [
        f"{path} {phrase!r} -> {zh!r}"
        for phrase, entries in translations().items()
        for zh, path in entries
        if zh and names_in(zh) != names_in(phrase)
    ]
    report(faults, instead="Both must name the same %(values)s or {values}.")


def test_phrases_are_found_in_code_and_templates() -> None:
    source = b"label = lazy('Open'); flash(_('Saved %(count)s.', count=3))"
    assert [phrase for _, phrase, _, _ in extract("python", io.BytesIO(source), keywords=KEYWORDS)] == [
        "Open",
        "Saved %(count)s.",
    ]
    template = b"<p>{{ _('Close') }}</p>{% trans name=n %}Hello {{ name }}{% endtrans %}"
    found = extract("jinja2.ext:babel_extract", io.BytesIO(template), keywords=KEYWORDS, options={"newstyle_gettext": "true"})
    assert [phrase for _, phrase, _, _ in found] == ["Close", "Hello %(name)s"]


def names_in(phrase: str) -> Counter[str]:
    return Counter(one or other for one, other in FILLED_IN.findall(phrase))
