CREATE TABLE fake_report (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    scan_id UUID NOT NULL,
    visitor BYTEA NOT NULL,
    epoch SMALLINT,
    counter BIGINT,
    order_id UUID,
    gtin TEXT NOT NULL,
    lot TEXT NOT NULL,
    serial TEXT NOT NULL,
    verdict TEXT NOT NULL,
    place TEXT NOT NULL,
    words TEXT NOT NULL,
    phone_sealed BYTEA,
    language TEXT NOT NULL,
    state TEXT NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    looked_at TIMESTAMP WITH TIME ZONE,
    looked_at_by TEXT DEFAULT '' NOT NULL,
    answer TEXT DEFAULT '' NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    answered_by TEXT DEFAULT '' NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT DEFAULT '' NOT NULL,
    close_reason TEXT DEFAULT '' NOT NULL,
    forgotten_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_fake_report PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_fake_report_code CHECK ((epoch IS NULL) = (counter IS NULL)),
    CONSTRAINT ck_fake_report_state CHECK (state IN ('received', 'looked_at', 'answered', 'closed')),
    CONSTRAINT fk_fake_report_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE INDEX ix_fake_report_received ON fake_report (tenant_id, received_at, id);
CREATE INDEX ix_fake_report_waiting ON fake_report (tenant_id) WHERE state = 'received';
CREATE INDEX ix_fake_report_code ON fake_report (tenant_id, epoch, counter);

CREATE TABLE fake_report_photo (
    tenant_id BIGINT NOT NULL,
    report_id UUID NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    CONSTRAINT pk_fake_report_photo PRIMARY KEY (tenant_id, report_id, number),
    CONSTRAINT fk_fake_report_photo_tenant_id_report_id_fake_report
        FOREIGN KEY(tenant_id, report_id) REFERENCES fake_report (tenant_id, id)
);

CALL fence_table('fake_report', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('fake_report_photo', 'tenant_id', 'SELECT, INSERT, DELETE');
