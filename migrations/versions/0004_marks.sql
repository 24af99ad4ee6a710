-- How the codes of an order are marked: row 0 as it was ordered, later ones as it was changed. An order without a row is marked as usual.
CREATE TABLE order_mark (
    tenant_id BIGINT NOT NULL,
    order_id UUID NOT NULL,
    number SMALLINT NOT NULL,
    spec JSONB NOT NULL,
    mask SMALLINT,
    set_by TEXT NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_order_mark PRIMARY KEY (tenant_id, order_id, number),
    CONSTRAINT ck_order_mark_mask CHECK (mask BETWEEN 0 AND 7),
    CONSTRAINT fk_order_mark_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_order_mark_tenant_id_order_id_code_order FOREIGN KEY(tenant_id, order_id) REFERENCES code_order (tenant_id, id)
);

CALL fence_table('order_mark', 'tenant_id', 'SELECT, INSERT, UPDATE');

-- Columns, separators and encodings that a brand's presses expect, by name.
CREATE TABLE package_template (
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    template JSONB NOT NULL,
    saved_by TEXT NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_package_template PRIMARY KEY (tenant_id, name),
    CONSTRAINT fk_package_template_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CALL fence_table('package_template', 'tenant_id', 'SELECT, INSERT, UPDATE, DELETE');

-- Files of any kind are written in steps: how many rows and notes are on disk, and what a sealed file does not hold yet. Their size is not
-- known before, and their rows follow from counters and canaries. A package that was begun by an older version is begun again.
ALTER TABLE package ADD COLUMN rows_done BIGINT DEFAULT '0' NOT NULL;
ALTER TABLE package ADD COLUMN note_bytes BIGINT DEFAULT '0' NOT NULL;
ALTER TABLE package ADD COLUMN rest BYTEA DEFAULT '' NOT NULL;
ALTER TABLE package DROP COLUMN bytes_total;
