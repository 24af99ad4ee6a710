"""Row-level security: each tenant table and each partition, tried as the application role of another tenant."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from kit.db import transaction
from tests.conftest import Brand, Database, make_brand

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


# One value of each type that a column may have. Ids and texts are drawn, as some are unique in the whole instance.
SOME_VALUE = {
    "bool": "false",
    "bytea": "decode(md5(random()::text), 'hex')",
    "date": "current_date",
    "float8": "1",
    "inet": "inet '192.0.2.1'",
    "int2": "1",
    "int4": "1",
    "int8": "1",
    "jsonb": "'{}'::jsonb",
    "numeric": "1",
    "text": "gen_random_uuid()::text",
    "timestamptz": "timestamptz '2026-05-02'",
    "uuid": "gen_random_uuid()",
}
REFUSED = "row-level security|permission denied"


class Rows:
    """Puts a row of a brand into any table, whatever it is about.

    The test's own database loses checks, references and triggers for that: fences must hold without their help.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.owner_engine.begin() as connection:
            constraints = connection.execute(
                text(
                    "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
                    " AND contype IN ('c', 'f', 'x') AND conislocal AND conparentid = 0 ORDER BY contype = 'c'"
                )
            ).all()
            for table, constraint in constraints:
                connection.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}" CASCADE'))
            for table in tables(database):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))

    def put(self, table: str, *, of: Brand) -> None:
        """As the owner of the tables, whom the policies bind too."""
        with transaction(self.database.owner_engine, tenant_id=of.tenant_id) as session:
            session.execute(text(self.statement(table, tenant_id=of.tenant_id)))

    def statement(self, table: str, *, tenant_id: int) -> str:
        with self.database.owner_engine.connect() as connection:
            columns = connection.execute(
                text(
                    "SELECT attname, typname, EXISTS (SELECT FROM pg_partitioned_table p JOIN pg_inherits i ON i.inhparent = p.partrelid"
                    " WHERE i.inhrelid = attrelid AND attnum = ANY (p.partattrs::int2[])) FROM pg_attribute"
                    " JOIN pg_type ON pg_type.oid = atttypid"
                    " WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
                ),
                {"name": table},
            ).all()
            bound = connection.scalar(
                text("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = CAST(:name AS regclass)"), {"name": table}
            )
        begins = re.search(r"'[^']+'", bound or "")
        values = {name: begins[0] if begins and is_bound else SOME_VALUE[kind.strip("_")] for name, kind, is_bound in columns}
        values |= {name: f"'{{}}'::{kind[1:]}[]" for name, kind, _ in columns if kind.startswith("_")}
        values[tenant_column(table)] = str(tenant_id)
        return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"

    def seen(self, table: str, *, of: Brand, by: Brand | None) -> int:
        with transaction(self.database.app_engine, tenant_id=by.tenant_id if by else None) as session:
            query = text(f"SELECT count(*) FROM {table} WHERE {tenant_column(table)} = :of")
            return session.scalar(query, {"of": of.tenant_id}) or 0

    def touched(self, statement: str, *, by: Brand) -> int:
        """How many rows a statement of a brand changed; none where it was refused."""
        try:
            with transaction(self.database.app_engine, tenant_id=by.tenant_id) as session:
                return int(getattr(session.execute(text(statement)), "rowcount", -1))
        except ProgrammingError as error:
            if not re.search(REFUSED, str(error)):
                raise
            return 0


@pytest.fixture
def rows(fresh_database: Database) -> Rows:
    with transaction(fresh_database.app_engine, tenant_id=None) as session:
        for month in ("2026-05-01", "2026-06-01"):
            session.execute(text("SELECT ensure_scan_partition(CAST(:month AS timestamptz))"), {"month": month})
    return Rows(fresh_database)


def test_a_stranger_reads_changes_adds_and_deletes_nothing_in_any_table_or_partition(rows: Rows) -> None:
    """Alice's brand has a row in every table and partition; Charlie, of another brand, tries each as the application would."""
    alice, charlie = make_brand(rows.database.app_engine), make_brand(rows.database.app_engine)
    fenced = sorted(set(tables(rows.database)) - set(INSTANCE_TABLES))
    assert {"scan", "scan_2026_05", "scan_2026_06", "point_entry", "text_message"} < set(fenced)
    for table in fenced:
        if table not in {"tenant", "scan"}:  # the one is there, the other is filled by its partitions
            rows.put(table, of=alice)
            rows.put(table, of=charlie)
    for table in fenced:
        column, his, hers = tenant_column(table), charlie.tenant_id, alice.tenant_id
        there = rows.seen(table, of=alice, by=alice)
        assert there >= 1, table
        assert rows.seen(table, of=alice, by=charlie) == 0, table
        assert rows.seen(table, of=alice, by=None) == 0, table
        for statement in (
            f"UPDATE {table} SET {column} = {column} WHERE {column} = {hers}",
            f"UPDATE {table} SET {column} = {his} WHERE {column} = {hers}",
            f"UPDATE {table} SET {column} = {hers} WHERE {column} = {his}",
            f"DELETE FROM {table} WHERE {column} = {hers}",
            f"DELETE FROM {table} WHERE {column} IS DISTINCT FROM {his}",
            f"TRUNCATE {table}",
            rows.statement(table, tenant_id=hers),
        ):
            assert rows.touched(statement, by=charlie) == 0, statement
        assert rows.seen(table, of=alice, by=alice) == there, table


def test_functions_that_cross_tenants_pin_their_search_path_and_are_not_for_everybody(database: Database) -> None:
    with database.owner_engine.connect() as connection:
        crossing = connection.execute(
            text(
                "SELECT proname, array_to_string(proconfig, ';'), has_function_privilege('pg_monitor', oid, 'EXECUTE') FROM pg_proc"
                " WHERE pronamespace = 'public'::regnamespace AND prosecdef"
            )
        ).all()
    assert {"staff_for_login", "create_tenant", "tenant_directory", "ensure_scan_partition", "drop_scan_month"} <= {
        row[0] for row in crossing
    }
    for name, settings, everybody in crossing:
        assert "search_path=public, pg_temp" in (settings or ""), name
        assert not everybody, name


def test_the_application_makes_no_objects_that_such_functions_could_meet(database: Database) -> None:
    with transaction(database.app_engine, tenant_id=None) as session:
        assert session.scalar(text("SELECT has_schema_privilege('public', 'CREATE')")) is False


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
                text(
                    "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = relowner WHERE rolname = current_user AND relpersistence <> 't'"
                )
            )
            == 0
        )
