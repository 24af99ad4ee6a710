"""Schema migrations under a lock: any number of processes may ask at once, one runs them, the others wait and find them done."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, text

LOCK_ID = 7_205_759_403
STATEMENT_MS_MAX = 30 * 60_000
LOCK_MS_MAX = 60_000


def upgrade(owner_url: str, *, location: str) -> None:
    """Brings the database at `owner_url` to the newest revision of the scripts at `location` (an Alembic script location)."""
    engine = create_engine(owner_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MS_MAX}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK_ID})
        connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS_MAX}"))
        command.upgrade(_config(location, connection), "head")


def at_head(engine: Engine, *, location: str) -> bool:
    """Is the schema the one that this code was written for?"""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory.from_config(_config(location, None)).get_current_head()


def _config(location: str, connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", location)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
