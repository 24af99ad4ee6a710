-- Who may do what. Every tenant table has forced row-level security, so that a query that forgot its tenant finds nothing; the application
-- role owns no table; and rows that are history may be added and read, never changed.

CREATE FUNCTION onemark_tenant() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('onemark.tenant', true), '')::bigint $$;

-- One place fences a table, so that tables and partitions made later get the very same policy.
CREATE PROCEDURE fence_table(name regclass, tenant_column text, rights text) LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
        'CREATE POLICY tenant ON %s USING (%I = nullif(current_setting(''onemark.tenant'', true), '''')::bigint)'
        ' WITH CHECK (%I = nullif(current_setting(''onemark.tenant'', true), '''')::bigint)',
        name, tenant_column, tenant_column);
    EXECUTE format('GRANT %s ON %s TO onemark_app', rights, name);
END
$$;

GRANT USAGE ON SCHEMA public TO onemark_app;

CALL fence_table('tenant', 'id', 'SELECT, UPDATE');
CALL fence_table('brand_host', 'tenant_id', 'SELECT, INSERT, DELETE');
CALL fence_table('gtin_prefix', 'tenant_id', 'SELECT, INSERT, DELETE');
CALL fence_table('key_epoch', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('product', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('code_order', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('range_state', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('export', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');
CALL fence_table('distributor', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('territory', 'tenant_id', 'SELECT, INSERT, DELETE');
CALL fence_table('shipment', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('imported_file', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('scan', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('scan_total', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');
CALL fence_table('consumer', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('identity', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');
CALL fence_table('consent', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('one_time_code', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');
CALL fence_table('text_message', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');
CALL fence_table('visitor_activity', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');
CALL fence_table('point_account', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('point_transfer', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('point_entry', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('point_lot', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('lot_allocation', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('campaign', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('campaign_product', 'tenant_id', 'SELECT, INSERT, DELETE');
CALL fence_table('claim_count', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('claim', 'tenant_id', 'SELECT, INSERT');
CALL fence_table('staff', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('outbox', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');

-- Tables of the instance, not of a tenant: each says why in its model.
GRANT SELECT, INSERT, UPDATE ON catalogue_version, log_position, log_generation TO onemark_app;
GRANT SELECT, INSERT ON log_dead_letter TO onemark_app;
GRANT SELECT ON alembic_version TO onemark_app;

-- The owner's functions below are the only way across tenants. Forced policies bind the owner too, so each table they read says so.
CREATE POLICY directory ON tenant TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY directory ON staff FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION tenant_directory() RETURNS TABLE (id bigint, slug text, name text, scan_origin text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT id, slug, name, scan_origin FROM tenant ORDER BY id $$;

CREATE FUNCTION create_tenant(slug text, name text, scan_origin text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$ INSERT INTO tenant (slug, name, scan_origin, created_at) VALUES (slug, name, scan_origin, now()) RETURNING id $$;

CREATE FUNCTION staff_for_login(address text)
RETURNS TABLE (tenant_id bigint, id uuid, password_hash text, disabled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT tenant_id, id, password_hash, disabled_at IS NOT NULL FROM staff WHERE email = lower(address) $$;

-- Makes the scan log's partition of one month, fenced like its parent: a query that names the partition itself meets the same policy.
CREATE FUNCTION ensure_scan_partition(instant timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    starts timestamptz := date_trunc('month', instant, 'UTC');
    ends timestamptz := date_trunc('month', instant, 'UTC') + interval '1 month';
    name text := 'scan_' || to_char(date_trunc('month', instant AT TIME ZONE 'UTC'), 'YYYY_MM');
BEGIN
    IF instant < '2010-01-01' OR instant > now() + interval '2 years' THEN
        RAISE EXCEPTION 'no scan partition for %', instant USING ERRCODE = 'check_violation';
    END IF;
    IF to_regclass(name) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('ensure_scan_partition'));
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF scan FOR VALUES FROM (%L) TO (%L)', name, starts, ends);
            CALL fence_table(name::regclass, 'tenant_id', 'SELECT, INSERT, UPDATE');
        END IF;
    END IF;
    RETURN name;
END
$$;

REVOKE ALL ON PROCEDURE fence_table(regclass, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION create_tenant(text, text, text), staff_for_login(text), tenant_directory(), ensure_scan_partition(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_tenant(text, text, text), staff_for_login(text), tenant_directory(), ensure_scan_partition(timestamptz) TO onemark_app;

-- Two entities and one invariant make a ledger: the entries of a transfer add up to zero when the transaction ends.
CREATE FUNCTION check_transfer_balance() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
    IF (SELECT sum(points) FROM point_entry WHERE tenant_id = NEW.tenant_id AND transfer_id = NEW.transfer_id) IS DISTINCT FROM 0 THEN
        RAISE EXCEPTION 'the entries of transfer % do not add up to zero', NEW.transfer_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_point_transfer_balance';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER ck_point_transfer_balance AFTER INSERT ON point_entry
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_transfer_balance();

INSERT INTO catalogue_version (version) VALUES (1);
