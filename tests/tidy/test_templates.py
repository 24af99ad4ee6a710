"""Templates obey the content security policy: what stands inline would not run, and should not be able to."""

import re
from pathlib import PurePosixPath

from tests.tidy.tree import report, texts

JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
TAG = re.compile(r"<(?P<name>[a-zA-Z][\w-]*)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
ATTRIBUTE = re.compile(r"(?P<name>[^\s=/\"'<>]+)\s*(?:=\s*(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))?")
DATA = ("application/json", "application/ld+json")
INSTEAD = (
    "Scripts and styles are files under web/static, which find their element by a data- attribute; "
    'data for a script stand in <script type="application/json" id="...">.'
)


# The style sheets inside pages: the policy names their hashes (web/inline_styles.py).
STYLES_BY_HASH = ("{{ consumer_styles() }}</style>", "{{ form_styles() }}</style>")


def templates() -> dict[str, str]:
    found = {path: text for path, text in texts().items() if path.startswith("web/") and path.endswith((".html", ".svg", ".xml"))}
    return {path: text for path, text in found.items() if "templates" in PurePosixPath(path).parts}


def faults_of(path: str, text: str) -> list[str]:
    plain = JINJA.sub(lambda found: "x" * len(found[0]), text)
    faults = []
    for tag in TAG.finditer(plain):
        line = plain.count("\n", 0, tag.start()) + 1
        attributes = {
            found["name"].lower(): (found["value"] or "").strip("\"'").lower() for found in ATTRIBUTE.finditer(tag["attributes"])
        }
        name = tag["name"].lower()
        if name == "style" and not text.startswith(STYLES_BY_HASH, tag.end()):
            faults.append(f"{path}:{line} <style>")
        if name == "script" and "src" not in attributes and attributes.get("type") not in DATA:
            faults.append(f"{path}:{line} <script> without src")
        faults += [
            f"{path}:{line} {attribute}="
            for attribute, value in attributes.items()
            if attribute == "style" or attribute.startswith("on") or value.startswith("javascript:")
        ]
    return faults


def test_templates_hold_no_inline_scripts_styles_or_handlers() -> None:
    assert templates(), "no templates were found: has their folder moved?"
    report([fault for path, text in templates().items() for fault in faults_of(path, text)], instead=INSTEAD)


def test_inline_code_is_found_wherever_it_hides() -> None:
    hidden = """{% if a > b %}<p {{ x }} style="color: red">{% endif %}
    <script>go()</script><script src="a.js"></script><script type="application/json">{}</script>
    <a href="javascript:go()" ONCLICK='go()'>onward style="x"</a><style>p {}</style>"""
    assert faults_of("t", hidden) == ["t:1 style=", "t:2 <script> without src", "t:3 href=", "t:3 onclick=", "t:3 <style>"]
