"""Schema migrations under a lock: any number of processes may ask at once, one runs them, the others wait and find them done."""

from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine, text

LOCK_ID = 7_205_759_403
STATEMENT_MS_MAX = 30 * 60_000
LOCK_MS_MAX = 60_000


def upgrade(owner_url: str, *, location: str) -> None:
    """Brings the database at `owner_url` to the newest revision of the scripts at `location` (an Alembic script location)."""
    engine = create_engine(owner_url, poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", location)
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MS_MAX}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK_ID})
        connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS_MAX}"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
