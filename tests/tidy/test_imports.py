"""Imports stand at the top and respect what is private; the directions between packages are import-linter's (pyproject.toml)."""

import ast
from collections.abc import Iterator

from tests.tidy.tree import PACKAGES, Module, functions, modules, report

# "path:function": reason. Empty, and meant to stay so.
ALLOWED_INSIDE: dict[str, str] = {}
# Alembic compares the tables of every package with the database.
SEES_ALL_MODELS = ("migrations/env.py", "tests/tidy/test_schema.py")


def test_imports_stand_at_the_top_of_the_file() -> None:
    faults = []
    for module in modules():
        for function in functions(module):
            name = f"{module.path}:{function.name}"
            inside = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            if inside and name not in ALLOWED_INSIDE:
                faults.append(f"{module.path}:{inside[0].lineno} imports inside {function.name}")
    report(
        faults,
        instead="Move the import to the top. If that makes a circle, one of the two modules knows too much: hand it what it needs "
        "as an argument, or move the shared part down.",
    )


def test_tables_are_private_to_their_package() -> None:
    faults = [
        f"{module.path}:{line} imports {name}"
        for module in modules(PACKAGES)
        if module.path not in SEES_ALL_MODELS
        for name, line in imported(module)
        if name.count(".") and name.split(".")[1] == "models" and name.split(".")[0] not in {module.package, "kit"}
    ]
    report(
        faults,
        instead="Ask the package's subject module (orders.find, distributors.load): rows are its own affair, and change without notice.",
    )


def imported(module: Module) -> Iterator[tuple[str, int]]:
    """Dotted names of our own packages that a module imports, with the line: `from crm import models` is `crm.models`."""
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] in PACKAGES:
                yield name, node.lineno
