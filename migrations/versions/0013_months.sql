-- What the scans of dropped months did to the state of their codes, packed as Redis has it, but with more slots than Redis keeps.
-- Never with a proof: tries of PINs have no months.
CREATE TABLE code_state (
    tenant_id BIGINT NOT NULL,
    epoch SMALLINT NOT NULL,
    counter BIGINT NOT NULL,
    state BYTEA NOT NULL,
    CONSTRAINT pk_code_state PRIMARY KEY (tenant_id, epoch, counter),
    CONSTRAINT ck_code_state_layout CHECK (octet_length(state) >= 9 AND (octet_length(state) - 9) % 15 = 0 AND get_byte(state, 0) & 4 = 0)
);

-- How far a brand's month is folded into code_state, and how many of its scans have been dropped. `scans` and `confirmed` say what was
-- folded: scans are only added and confirmed once, so while both numbers stand, nothing that matters to a state has come since.
CREATE TABLE scan_month (
    tenant_id BIGINT NOT NULL,
    month DATE NOT NULL,
    folded_until TIMESTAMP WITH TIME ZONE NOT NULL,
    scans BIGINT DEFAULT 0 NOT NULL,
    confirmed BIGINT DEFAULT 0 NOT NULL,
    dropped BIGINT DEFAULT 0 NOT NULL,
    dropped_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_scan_month PRIMARY KEY (tenant_id, month),
    CONSTRAINT ck_scan_month_first CHECK (EXTRACT(day FROM month) = 1)
);

CALL fence_table('code_state', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('scan_month', 'tenant_id', 'SELECT, INSERT, UPDATE');

-- Dropping a month concerns all brands: the owner's function below reads and notes for each what was folded.
CREATE POLICY directory ON scan_month TO CURRENT_USER USING (true) WITH CHECK (true);

-- Drops the oldest month of the scan log, once every scan of it is folded, and returns how many went. Refuses anything else: a month
-- that ended less than two months ago, one that is not the oldest, one with scans that nobody has folded.
CREATE FUNCTION drop_scan_month(first_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    name text := 'scan_' || to_char(first_day, 'YYYY_MM');
    oldest text;
    unfolded boolean;
    gone bigint;
BEGIN
    IF first_day IS NULL OR EXTRACT(day FROM first_day) <> 1
        OR first_day + interval '3 months' > now() AT TIME ZONE 'UTC' THEN
        RAISE EXCEPTION 'the scan log keeps %', coalesce(first_day::text, 'this month') USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ensure_scan_partition'));
    LOCK TABLE ONLY scan IN ACCESS EXCLUSIVE MODE;
    SELECT min(c.relname) INTO oldest
      FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'scan'::regclass;
    IF oldest IS DISTINCT FROM name THEN
        RAISE EXCEPTION '% is not the oldest month of the scan log', name USING ERRCODE = 'check_violation';
    END IF;
    -- The policies bind the owner too, and all brands have to be counted. Whoever sees the table without them has waited for its end.
    EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
        'SELECT coalesce(bool_or(m.tenant_id IS NULL), false), coalesce(sum(s.scans), 0)::bigint'
        '  FROM (SELECT tenant_id, count(*) AS scans, count(confirmed_at) AS confirmed FROM %I GROUP BY tenant_id) AS s'
        '  LEFT JOIN scan_month AS m ON m.tenant_id = s.tenant_id AND m.month = $1 AND m.scans = s.scans AND m.confirmed = s.confirmed',
        name) INTO unfolded, gone USING first_day;
    IF unfolded THEN
        RAISE EXCEPTION '% has scans that are not folded', name USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    UPDATE scan_month
       SET dropped = dropped + scans, scans = 0, confirmed = 0, folded_until = first_day::timestamp AT TIME ZONE 'UTC', dropped_at = now()
     WHERE month = first_day;
    EXECUTE format('DROP TABLE %I', name);
    RETURN gone;
END
$$;

REVOKE ALL ON FUNCTION drop_scan_month(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_scan_month(date) TO onemark_app;
