from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from kit import migrations
from tests.conftest import Database

LOCATION = "migrations:"


def test_the_head_is_the_one_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.set_main_option("path_separator", "os")
    assert migrations.head(LOCATION) == ScriptDirectory.from_config(config).get_current_head()


def test_a_database_is_at_head_once_it_was_upgraded(fresh_database: Database) -> None:
    assert migrations.at_head(fresh_database.owner_engine, location=LOCATION)


def test_an_older_schema_is_not_at_head(fresh_database: Database) -> None:
    with fresh_database.owner_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert not migrations.at_head(fresh_database.owner_engine, location=LOCATION)


def test_a_database_that_was_never_upgraded_is_not_at_head(fresh_database: Database) -> None:
    with fresh_database.owner_engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    assert not migrations.at_head(fresh_database.owner_engine, location=LOCATION)


def test_scripts_with_two_ends_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = tmp_path / "forked" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "__init__.py").touch()
    for name, before in (("0001", "None"), ("0002", '"0001"'), ("0003", '"0001"')):
        (versions / f"{name}.py").write_text(f'revision = "{name}"\ndown_revision = {before}\n', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="too many values"):
        migrations.head("forked:")
