"""Lock files: every dependency pinned and hashed, from whichever index the reader's pip is set to."""

import re
import tomllib

import pytest

from tests.tidy.tree import LOCKS, read, report

REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<rest>[^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9._-]+")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
ELSEWHERE = re.compile(r"https?://|file:|git\+|^\s*-(?!-hash=)\S*| @ ", re.MULTILINE)
# The wheel vizly is wanted for its JavaScript; what only its Python side needs stays out (tools/lock).
LEFT_OUT = ("pandas", "openpyxl", "et-xmlfile")
INSTEAD = "Write the package into pyproject.toml, then renew both lock files with tools/lock. Never edit them by hand."


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by name: more than one where the platform or the Python decides."""
    found: dict[str, set[str]] = {}
    for pin in REQUIREMENT.finditer(read(lock)):
        found.setdefault(canonical(pin["name"]), set()).add(pin["version"])
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked(*, extra: str | None = None) -> list[str]:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return [canonical(found[0]) for line in wanted if (found := NAME.match(line))]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_index_and_no_address(lock: str) -> None:
    report([f"{lock}: {found[0]!r}" for found in ELSEWHERE.finditer(read(lock))], instead=INSTEAD)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    report(
        [f"{lock}: {pin['name']} has no hash" for pin in REQUIREMENT.finditer(read(lock)) if not HASH.search(pin["rest"])],
        instead=INSTEAD,
    )


def test_every_dependency_is_locked() -> None:
    runtime, testing = (pins(lock) for lock in LOCKS)
    faults = [f"requirements.lock lacks {name}" for name in asked() if name not in runtime]
    faults += [f"requirements-test.lock lacks {name}" for name in asked() + asked(extra="test") if name not in testing]
    report(faults, instead=INSTEAD)


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    runtime, testing = (pins(lock) for lock in LOCKS)
    report(
        [
            f"{name}: shipped {versions}, tested {testing.get(name)}"
            for name, versions in runtime.items()
            if testing.get(name) != versions
        ],
        instead=INSTEAD,
    )


def test_what_was_left_out_stays_out() -> None:
    report([f"{lock} holds {name}" for lock in LOCKS for name in LEFT_OUT if name in pins(lock)], instead=INSTEAD)
