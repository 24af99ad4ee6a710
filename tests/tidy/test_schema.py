"""The models say what the migrations made: whoever changes one changes the other."""

import importlib
import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, text

from kit.db import Base
from tests.conftest import Database
from tests.tidy.test_imports import imported
from tests.tidy.tree import PACKAGES, modules, report

MIGRATION_MISSING = (
    "Write a new revision in migrations/versions that brings the database to the models. A released one is never edited."
)
MADE_BY_ALEMBIC = "alembic_version"
PARTITION = re.compile(r"scan_\d{4}_\d{2}")
TABLE = re.compile(r"^\s+__tablename__ = ", re.MULTILINE)


def with_tables() -> list[str]:
    """Modules that define tables, by their dotted names."""
    return [module.path.removesuffix(".py").replace("/", ".") for module in modules(PACKAGES) if TABLE.search(module.text)]


def is_ours(name: str | None, kind: str) -> bool:
    return kind != "table" or not (name == MADE_BY_ALEMBIC or PARTITION.fullmatch(name or ""))


@pytest.fixture(scope="module")
def every_model() -> type[Base]:
    for name in with_tables():
        importlib.import_module(name)
    return Base


def test_alembic_sees_the_tables_of_every_package() -> None:
    (env,) = (module for module in modules(("migrations",)) if module.path == "migrations/env.py")
    seen = {name for name, _ in imported(env)}
    report([f"{name} is unknown to migrations/env.py" for name in with_tables() if name not in seen], instead="Import it there.")


def test_the_migrations_make_what_the_models_say(database: Database, every_model: type[Base]) -> None:
    with database.owner_engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_object": lambda _thing, name, kind, _reflected, _other: is_ours(name, kind),
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        differences = compare_metadata(context, every_model.metadata)
    report([str(difference) for difference in differences], instead=MIGRATION_MISSING)


def test_the_database_checks_what_the_models_say(database: Database, every_model: type[Base]) -> None:
    """Alembic compares no check constraints; their names say enough."""
    with database.owner_engine.connect() as connection:
        there = {
            (str(table), str(name))
            for table, name in connection.execute(
                text(
                    "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND coninhcount = 0"
                    " AND connamespace = 'public'::regnamespace"
                )
            )
            if not PARTITION.fullmatch(str(table))
        }
    said = {
        (table.name, str(constraint.name))
        for table in every_model.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    report([f"{table}: {name} stands on one side alone" for table, name in there ^ said], instead=MIGRATION_MISSING)
