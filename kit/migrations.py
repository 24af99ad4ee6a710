"""Is a database's schema the one that this code was written for?

Promises: asks by what Alembic leaves behind, the table of its version and the scripts' own lines, without Alembic: whoever only asks, as an
edge does before its first answer, need not load what migrates (kit.upgrading). Refuses scripts that do not end in one newest revision.
"""

import re
from functools import cache
from importlib import resources

from sqlalchemy import Engine, text

_REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
_DOWN_REVISION = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)
_THERE = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_VERSIONS = text("SELECT version_num FROM alembic_version")


def at_head(engine: Engine, *, location: str) -> bool:
    """`location` is an Alembic script location that names a package: "migrations:"."""
    with engine.connect() as connection:
        versions = connection.scalars(_VERSIONS).all() if connection.scalar(_THERE) else []
    return versions == [head(location)]


@cache
def head(location: str) -> str:
    """The newest revision, after which no other comes."""
    folder = resources.files(location.removesuffix(":")).joinpath("versions")
    scripts = [file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".py")]
    followed = {found for script in scripts for found in _DOWN_REVISION.findall(script)}
    newest: str
    (newest,) = {found for script in scripts for found in _REVISION.findall(script)} - followed
    return newest
