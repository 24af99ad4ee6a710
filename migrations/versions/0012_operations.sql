-- How far retention has come: addresses and exact positions of scans before `until` are gone.
CREATE TABLE retention_mark (
    tenant_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_retention_mark PRIMARY KEY (tenant_id, subject),
    CONSTRAINT ck_retention_mark_subject CHECK (subject IN ('addresses', 'positions'))
);

CALL fence_table('retention_mark', 'tenant_id', 'SELECT, INSERT, UPDATE');
