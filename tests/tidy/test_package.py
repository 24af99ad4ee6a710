"""What is installed is whole: an installation that lacks a template or a migration fails at its first request, not before."""

import tomllib
from pathlib import PurePosixPath

from tests.tidy.tree import PACKAGES, paths, read, report


def test_every_file_of_a_package_is_installed_with_it() -> None:
    patterns: dict[str, list[str]] = tomllib.loads(read("pyproject.toml"))["tool"]["setuptools"]["package-data"]
    faults = []
    for path in paths():
        package, _, rest = path.partition("/")
        if package in PACKAGES and not rest.endswith((".py", ".pyc")) and not covered(rest, patterns.get(package, [])):
            faults.append(f"{path} would not be installed")
    report(faults, instead="Name it under [tool.setuptools.package-data] in pyproject.toml.")


def covered(path: str, patterns: list[str]) -> bool:
    """As setuptools reads them: `**` is any number of folders, none among them."""
    for pattern in patterns:
        folder, stars, rest = pattern.partition("**/")
        if stars and path.startswith(folder) and PurePosixPath(path).match(rest):
            return True
        if not stars and path.count("/") == pattern.count("/") and PurePosixPath(path).match(pattern):
            return True
    return False


def test_patterns_cover_what_they_say() -> None:
    assert covered("templates/a.html", ["templates/**/*"])
    assert covered("templates/console/a.html", ["templates/**/*"])
    assert covered("versions/0001.sql", ["versions/*.sql"])
    assert not covered("versions/0001.sql", ["*.mako", "templates/**/*"])
