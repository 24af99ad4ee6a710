"""Documents say what is there: links lead somewhere, commands and settings exist, releases have their notes."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath

import click
from pydantic import SecretStr

from kit.settings import Settings
from tests.tidy.tree import ROOT, paths, read, report
from web.cli.root import cli

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(?P<text>.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(
    r"(?:`|^|bin/|compose run --rm \w+ )onemark (?P<words>[a-z][a-z-]*(?: [a-z][a-z|-]*)?)(?P<rest>[^`\n]*)", re.MULTILINE
)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
SETTING_ROW = re.compile(r"^\| `(?P<name>[A-Z_]+)` \| (?:`(?P<default>[^`]*)`|\(empty\)) \|", re.MULTILINE)
RELEASE = re.compile(r"^## (?P<version>\d+\.\d+\.\d+)\b", re.MULTILINE)
DECISION_PARTS = ("## Context", "## Decision", "## Consequences", "## Alternatives")


def documents() -> dict[str, str]:
    return {path: read(path) for path in paths() if path.endswith(".md")}


def anchors(text: str) -> set[str]:
    """The anchors that headings get, as forges make them."""
    return {re.sub(r"[^\w\- ]", "", found["text"].lower()).replace(" ", "-") for found in HEADING.finditer(FENCE.sub("", text))}


def test_links_lead_somewhere() -> None:
    faults = []
    for path, text in documents().items():
        for link in LINK.finditer(FENCE.sub("", text)):
            target, _, anchor = link["target"].partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            place = (ROOT / PurePosixPath(path).parent / target).resolve() if target else ROOT / path
            if not place.exists():
                faults.append(f"{path}: {link['target']} is not there")
            elif anchor and place.suffix == ".md" and anchor not in anchors(place.read_text(encoding="utf-8")):
                faults.append(f"{path}: {link['target']} has no such heading")
    report(faults, instead="Write the path relative to the document, and make the picture or the page that it promises.")


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Commands of the documents with what stands behind them: `import a|b` is two."""
    for found in COMMAND.finditer(text):
        first, _, last = found["words"].partition(" ")
        for choice in last.split("|"):
            yield f"{first} {choice}".strip(), found["rest"]


def test_commands_exist() -> None:
    faults = []
    for path, text in documents().items():
        for words, rest in commands(text):
            command: click.Command | None = cli
            for word in words.split():
                if not isinstance(command, click.Group):
                    break  # an argument
                command = command.commands.get(word)
            if command is None:
                faults.append(f"{path}: onemark {words}")
                continue
            known = {name for parameter in command.params for name in parameter.opts} | {"--help", "--version"}
            faults += [f"{path}: onemark {words} {option}" for option in OPTION.findall(rest) if option not in known]
    report(faults, instead="Documents name commands and options that somebody can type today.")


def test_running_lists_every_setting_with_its_default() -> None:
    said = {row["name"]: row["default"] or "" for row in SETTING_ROW.finditer(read("docs/running.md"))}
    assert said == dict(settings()), "renew the table in docs/running.md"


def settings() -> Iterator[tuple[str, str]]:
    for name, field in Settings.model_fields.items():
        plain = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        yield str(field.validation_alias or f"ONEMARK_{name.upper()}"), "[]" if plain == () else str(plain)


def test_the_newest_release_has_its_notes() -> None:
    releases = [found["version"] for found in RELEASE.finditer(read("CHANGELOG.md"))]
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert releases[0] == version, f"write what {version} means to its users into CHANGELOG.md"
    assert f"image: onemark:{version}" in read("docker-compose.yml"), "the image carries the version"


def test_decisions_have_their_parts_and_a_line_to_quote() -> None:
    faults = []
    decisions = [path for path in paths() if path.startswith("docs/decisions/") and path.endswith(".md")]
    for number, path in enumerate(sorted(decisions), start=1):
        text = read(path)
        if not re.fullmatch(rf"{number:04d}-[a-z0-9-]+\.md", PurePosixPath(path).name):
            faults.append(f"{path} should begin with {number:04d}-")
        faults += [f"{path} has no {part!r}" for part in DECISION_PARTS if part not in text]
        if not re.search(r"^## Decision\n\n\*\*[^*]+\*\*", text, re.MULTILINE):
            faults.append(f"{path}: the decision is no bold line")
    report(faults, instead="Context, Decision (one line in bold), Consequences, Alternatives tried; numbered without gaps.")


def test_what_a_newcomer_looks_for_is_there() -> None:
    wanted = {
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        ".env.example",
        "docs/architecture.md",
        "docs/glossary.md",
    }
    wanted |= {"docs/running.md", "docs/benchmarks.md", "docs/decisions/0001-layered-packages.md"}
    report([f"{path} is missing" for path in wanted - set(paths())], instead="Write it.")
    assert "Apache License" in read("LICENSE").splitlines()[1]
