CREATE TABLE anomaly (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    order_id UUID,
    package_id UUID,
    distributor_id TEXT DEFAULT '' NOT NULL,
    gtin TEXT DEFAULT '' NOT NULL,
    lot TEXT DEFAULT '' NOT NULL,
    division TEXT DEFAULT '' NOT NULL,
    scans BIGINT NOT NULL,
    codes INTEGER NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    detected_at TIMESTAMP WITH TIME ZONE,
    evidence JSONB NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT DEFAULT '' NOT NULL,
    close_reason TEXT DEFAULT '' NOT NULL,
    scans_at_close BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_anomaly PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_anomaly_tenant_id_kind_subject UNIQUE (tenant_id, kind, subject),
    CONSTRAINT ck_anomaly_kind CHECK (kind IN ('clone', 'diversion', 'forgery', 'harvest', 'leak', 'dark_case')),
    CONSTRAINT ck_anomaly_severity CHECK (severity IN ('normal', 'high')),
    CONSTRAINT ck_anomaly_state CHECK (state IN ('new', 'seen', 'closed')),
    CONSTRAINT ck_anomaly_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT fk_anomaly_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE INDEX ix_anomaly_detected ON anomaly (tenant_id, detected_at, id) WHERE detected_at IS NOT NULL;
CREATE INDEX ix_anomaly_new ON anomaly (tenant_id) WHERE state = 'new' AND detected_at IS NOT NULL;
CREATE INDEX ix_anomaly_unripe ON anomaly (tenant_id, last_seen_at) WHERE detected_at IS NULL;

CREATE TABLE anomaly_code (
    tenant_id BIGINT NOT NULL,
    anomaly_id UUID NOT NULL,
    epoch SMALLINT NOT NULL,
    counter BIGINT NOT NULL,
    scans BIGINT NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_anomaly_code PRIMARY KEY (tenant_id, anomaly_id, epoch, counter),
    CONSTRAINT fk_anomaly_code_tenant_id_anomaly_id_anomaly FOREIGN KEY(tenant_id, anomaly_id) REFERENCES anomaly (tenant_id, id)
);

CREATE INDEX ix_anomaly_code ON anomaly_code (tenant_id, epoch, counter);

CREATE TABLE anomaly_event (
    tenant_id BIGINT NOT NULL,
    anomaly_id UUID NOT NULL,
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    words TEXT DEFAULT '' NOT NULL,
    report_id UUID,
    CONSTRAINT pk_anomaly_event PRIMARY KEY (tenant_id, anomaly_id, id),
    CONSTRAINT ck_anomaly_event_action CHECK (action IN ('seen', 'closed', 'reopened', 'noted')),
    CONSTRAINT fk_anomaly_event_tenant_id_anomaly_id_anomaly FOREIGN KEY(tenant_id, anomaly_id) REFERENCES anomaly (tenant_id, id)
);

-- DELETE is for what never ripened into an anomaly: addresses of people who mistyped a code.
CALL fence_table('anomaly', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');
CALL fence_table('anomaly_code', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('anomaly_event', 'tenant_id', 'SELECT, INSERT');
