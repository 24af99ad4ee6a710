"""Row-level security: each tenant table and each partition, tried as the application role of another tenant."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from kit.db import transaction
from tests.conftest import Brand, Database

# Tables without a tenant, each with its reason.
INSTANCE_TABLES = {
    "alembic_version": "the schema's own revision",
    "catalogue_version": "one number that every edge watches",
    "log_position": "a partition of the scan log mixes tenants",
    "log_generation": "one number that every partition shows",
    "log_dead_letter": "what cannot be read does not say whose it is",
}


def tables(database: Database) -> list[str]:
    with database.owner_engine.connect() as connection:
        return list(
            connection.scalars(
                text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')")
            )
        )


def tenant_column(table: str) -> str:
    return "id" if table == "tenant" else "tenant_id"


def test_every_table_has_a_tenant_or_a_reason(database: Database) -> None:
    with database.owner_engine.connect() as connection:
        with_tenant = set(
            connection.scalars(
                text(
                    "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant_id'"
                )
            )
        )
    without = {table for table in tables(database) if table not in with_tenant}
    assert without == {"tenant", *INSTANCE_TABLES}


def test_every_tenant_table_and_partition_forces_row_level_security(database: Database) -> None:
    with transaction(database.app_engine, tenant_id=None) as session:
        session.execute(text("SELECT ensure_scan_partition(:month)"), {"month": datetime(2026, 3, 1, tzinfo=UTC)})
    with database.owner_engine.connect() as connection:
        fenced = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")))
        rules = connection.execute(
            text("SELECT tablename, qual || ' / ' || with_check FROM pg_policies WHERE policyname = 'tenant'")
        )
        policies: dict[str, str] = {str(table): str(rule) for table, rule in rules}
    expected = {table for table in tables(database) if table not in INSTANCE_TABLES}
    assert "scan_2026_03" in expected
    assert fenced == expected
    assert set(policies) == expected
    assert all(rule.count("current_setting('onemark.tenant'") == 2 for rule in policies.values())


def seed_scan(database: Database, tenant_id: int) -> None:
    with transaction(database.app_engine, tenant_id=tenant_id) as session:
        session.execute(text("SELECT ensure_scan_partition('2026-05-01')"))
        session.execute(
            text(
                "INSERT INTO scan (tenant_id, scan_id, scanned_at, verdict, role, visitor, network)"
                " VALUES (:tenant, gen_random_uuid(), '2026-05-02', 'counterfeit', 'consumer', 'v', 'n')"
            ),
            {"tenant": tenant_id},
        )


@pytest.mark.parametrize("name", ["scan", "scan_2026_05"])
def test_a_partition_named_directly_hides_the_other_brands_scans(
    database: Database, brand: Brand, other_brand: Brand, name: str
) -> None:
    seed_scan(database, brand.tenant_id)
    with transaction(database.app_engine, tenant_id=brand.tenant_id) as session:
        assert session.scalar(text(f"SELECT count(*) FROM {name}")) == 1
    with transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session:
        assert session.scalar(text(f"SELECT count(*) FROM {name}")) == 0
    with transaction(database.app_engine, tenant_id=None) as session:
        assert session.scalar(text(f"SELECT count(*) FROM {name}")) == 0


def test_a_stranger_sees_changes_and_adds_nothing_in_any_table(database: Database, brand: Brand, other_brand: Brand) -> None:
    """Alice's brand owns rows in every table it can; Charlie, of another brand, reads none of them."""
    seed_scan(database, brand.tenant_id)
    for table in sorted(set(tables(database)) - set(INSTANCE_TABLES)):
        column = tenant_column(table)
        with transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session:
            seen = session.scalar(text(f"SELECT count(*) FROM {table} WHERE {column} = :alice"), {"alice": brand.tenant_id})
            assert seen == 0, table
        with transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session:
            may_update = session.scalar(text("SELECT has_table_privilege(:name, 'UPDATE')"), {"name": table})
            if may_update:
                touched = session.execute(
                    text(f"UPDATE {table} SET {column} = {column} WHERE {column} = :alice"), {"alice": brand.tenant_id}
                )
                assert getattr(touched, "rowcount", None) == 0, table


def test_a_row_cannot_be_written_for_another_brand(database: Database, brand: Brand, other_brand: Brand) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session,
    ):
        session.execute(
            text("INSERT INTO distributor (tenant_id, distributor_id, name, created_at) VALUES (:alice, 'D1', 'x', now())"),
            {"alice": brand.tenant_id},
        )


@pytest.mark.parametrize(
    "table", ["point_transfer", "point_entry", "lot_allocation", "consent", "range_state", "claim", "shipment"]
)
@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE"])
def test_history_cannot_be_changed_by_the_application(database: Database, table: str, right: str) -> None:
    with transaction(database.app_engine, tenant_id=None) as session:
        assert session.scalar(text("SELECT has_table_privilege(:name, :right)"), {"name": table, "right": right}) is False


def test_the_application_role_owns_nothing_and_is_no_superuser(database: Database) -> None:
    with transaction(database.app_engine, tenant_id=None) as session:
        assert session.execute(
            text("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user")
        ).one() == (False, False, False, False)
        assert (
            session.scalar(
                text("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = relowner WHERE rolname = current_user")
            )
            == 0
        )
