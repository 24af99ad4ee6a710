"""What is written beside the code: notes that somebody will find again, docstrings that promise, nothing of one machine."""

import ast
import re

from tests.tidy.tree import LOCKS, PACKAGES, modules, read, report, texts

NOTE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?P<rest>.{0,40})")
ISSUE = re.compile(r"#\d+")
THIS_FOLDER = "tests/tidy/"
# Paths that exist on somebody's machine alone, and addresses of package indexes.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.}/-])/(?:home|root|Users|work|mnt|opt)/\w[\w.-]*"
    r"|\b(?:pypi\.org/simple|files\.pythonhosted\.org|registry\.npmjs\.org|\w+\.pypi\.org)\b"
    r"|--(?:extra-)?index-url|\bindex-url\s*="
)
# Places inside a container, not on a machine.
INSIDE_CONTAINERS = ("/opt/onemark",)


def test_a_note_for_later_names_an_issue() -> None:
    faults = []
    for path, text in texts().items():
        if path.startswith(THIS_FOLDER) or path == "CONTRIBUTING.md":
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            note = NOTE.search(line)
            if note and not ISSUE.search(note["rest"]):
                faults.append(f"{path}:{number} {line.strip()[:100]}")
    report(faults, instead="Write the issue's number behind the word, as in `TODO #12: ...`, or do it now.")


def test_a_module_says_what_it_promises() -> None:
    faults = []
    for module in modules(PACKAGES):
        promise = ast.get_docstring(module.syntax)
        if module.syntax.body and not (promise and promise.splitlines()[0].strip()):
            faults.append(f"{module.path} has no docstring")
    report(faults, instead="Begin the module with what it promises and what it refuses, in one to five sentences.")


def test_nothing_belongs_to_one_machine() -> None:
    faults = []
    for path, text in {**texts(), **{lock: read(lock) for lock in LOCKS}}.items():
        if path.startswith(THIS_FOLDER):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            found = OF_ONE_MACHINE.search(line)
            if found and not found[0].startswith(INSIDE_CONTAINERS):
                faults.append(f"{path}:{number} {found[0]}")
    report(faults, instead="Use paths relative to the repository or to the data folder, and leave indexes to pip's own settings.")
