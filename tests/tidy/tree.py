"""The files of this repository, as the tests of the code itself read them: git's, or without git those beside us."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("kit", "codegen", "supplychain", "scanservice", "crm", "campaigns", "web", "migrations")
CHECKED = (*PACKAGES, "bench", "tests")
LOCKS = ("requirements.lock", "requirements-test.lock")
NOT_OURS = frozenset({"var", "build", "node_modules"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A Python file. `path` is relative to the repository, with forward slashes."""

    path: str
    text: str
    syntax: ast.Module

    @property
    def package(self) -> str:
        return self.path.split("/", 1)[0]

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())


@cache
def paths() -> tuple[str, ...]:
    """Every file that is tracked, or would be with the next `git add`."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        # A clone may belong to another user than the one who runs the tests; we only list its files.
        command = [
            "git",
            "-c",
            "safe.directory=*",
            "-C",
            str(ROOT),
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
        return tuple(sorted(name for name in set(listed) if name and (ROOT / name).is_file()))
    return tuple(sorted(_walk(ROOT)))


def _walk(folder: Path) -> Iterator[str]:
    for place in folder.iterdir():
        if place.is_dir():
            ours = place.name not in NOT_OURS and (place.name == ".ci" or not place.name.startswith("."))
            if ours and place.name != "__pycache__" and not place.name.endswith(".egg-info"):
                yield from _walk(place)
        elif place.suffix != ".pyc":
            yield place.relative_to(ROOT).as_posix()


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def texts() -> dict[str, str]:
    """Files that are text, by path, without the lock files, which tools write."""
    found = {}
    for path in paths():
        raw = (ROOT / path).read_bytes()
        if path not in LOCKS and b"\0" not in raw:
            found[path] = raw.decode("utf-8", errors="replace")
    return found


@cache
def modules(packages: tuple[str, ...] = CHECKED) -> tuple[Module, ...]:
    """The parsed Python files of these top-level folders."""
    return tuple(
        Module(path=path, text=text, syntax=ast.parse(text, path))
        for path, text in texts().items()
        if path.endswith(".py") and path.split("/", 1)[0] in packages
    )


def functions(module: Module) -> Iterator[Function]:
    for node in ast.walk(module.syntax):
        if isinstance(node, Function):
            yield node


def report(faults: list[str], *, instead: str) -> None:
    """Fails with every fault at once, and with what to do about them."""
    assert not faults, "\n".join(["", *sorted(faults), "", instead])
