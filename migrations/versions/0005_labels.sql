CREATE TABLE label_template (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    layout JSONB NOT NULL,
    revision INTEGER DEFAULT '1' NOT NULL,
    changed_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_label_template PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_label_template_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_label_template_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE label_logo (
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    png BYTEA NOT NULL,
    uploaded_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_label_logo PRIMARY KEY (tenant_id, name),
    CONSTRAINT fk_label_logo_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT ck_label_logo_name CHECK (name ~ '^[0-9a-f]{64}$')
);

CALL fence_table('label_template', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');
CALL fence_table('label_logo', 'tenant_id', 'SELECT, INSERT');
