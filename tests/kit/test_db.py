"""What waits for the commit: savepoints neither set it off nor make it forgotten."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kit.db import after_commit, transaction
from tests.conftest import Database


def test_an_action_waits_for_the_commit_and_not_for_a_savepoint(database: Database) -> None:
    done: list[str] = []
    with transaction(database.app_engine, tenant_id=None) as session:
        with session.begin_nested():
            after_commit(session, lambda: done.append("inside"))
        after_commit(session, lambda: done.append("outside"))
        assert done == []
    assert done == ["inside", "outside"]


def test_a_savepoint_that_is_rolled_back_forgets_nothing_from_before_it(database: Database) -> None:
    done: list[str] = []
    with transaction(database.app_engine, tenant_id=None) as session:
        after_commit(session, lambda: done.append("before"))
        with pytest.raises(ValueError, match="no"), session.begin_nested():
            raise ValueError("no")
    assert done == ["before"]


def test_nothing_is_done_after_a_rollback(database: Database) -> None:
    done: list[str] = []

    def change_and_fail() -> None:
        with transaction(database.app_engine, tenant_id=None) as session:
            after_commit(session, lambda: done.append("never"))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        change_and_fail()
    assert done == []


def test_what_a_failed_statement_was_given_stays_out_of_its_error(database: Database) -> None:
    """Errors are logged, and parameters are phone numbers, codes and passwords' hashes."""
    with pytest.raises(DBAPIError) as failed, transaction(database.app_engine, tenant_id=None) as session:
        session.execute(text("SELECT 1 / (length(:phone) - 11)"), {"phone": "13800138000"})
    assert "13800138000" not in str(failed.value)
