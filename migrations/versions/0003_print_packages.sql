CREATE TABLE package_recipient (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    contact TEXT DEFAULT '' NOT NULL,
    passphrase_sealed BYTEA,
    public_key TEXT,
    added_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_package_recipient PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_package_recipient_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT ck_package_recipient_one_lock CHECK (passphrase_sealed IS NULL OR public_key IS NULL),
    CONSTRAINT fk_package_recipient_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE package (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    recipient_id UUID NOT NULL,
    content TEXT NOT NULL,
    epoch SMALLINT NOT NULL,
    first_counter BIGINT NOT NULL,
    last_counter BIGINT NOT NULL,
    reprint BOOLEAN DEFAULT 'false' NOT NULL,
    canary_order_id UUID,
    canaries INTEGER DEFAULT '0' NOT NULL,
    recipe JSONB NOT NULL,
    state TEXT NOT NULL,
    bytes_done BIGINT DEFAULT '0' NOT NULL,
    bytes_total BIGINT NOT NULL,
    file_name TEXT NOT NULL,
    manifest TEXT DEFAULT '' NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    downloads_max INTEGER NOT NULL,
    requested_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_package PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_package_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_package_tenant_id_order_id_code_order FOREIGN KEY(tenant_id, order_id) REFERENCES code_order (tenant_id, id),
    CONSTRAINT fk_package_tenant_id_canary_order_id_code_order
        FOREIGN KEY(tenant_id, canary_order_id) REFERENCES code_order (tenant_id, id),
    CONSTRAINT fk_package_tenant_id_recipient_id_package_recipient
        FOREIGN KEY(tenant_id, recipient_id) REFERENCES package_recipient (tenant_id, id),
    CONSTRAINT ck_package_content CHECK (content IN ('codes', 'pins')),
    CONSTRAINT ck_package_state CHECK (state IN ('queued', 'running', 'ready', 'failed')),
    CONSTRAINT ck_package_interval CHECK (first_counter <= last_counter)
);

CREATE INDEX ix_package_order ON package (tenant_id, order_id);
CREATE INDEX ix_package_canary_order ON package (tenant_id, canary_order_id);

-- A counter is given once, or reprinted on purpose. Ranges of one number stand for numbers: equality of plain columns in a GiST index
-- would need an extension.
ALTER TABLE package ADD CONSTRAINT ex_package_codes_once EXCLUDE USING gist
    (int8range(tenant_id, tenant_id, '[]') WITH &&, int4range(epoch, epoch, '[]') WITH &&,
     int8range(first_counter, last_counter, '[]') WITH &&) WHERE (content = 'codes' AND NOT reprint);
ALTER TABLE package ADD CONSTRAINT ex_package_pins_once EXCLUDE USING gist
    (int8range(tenant_id, tenant_id, '[]') WITH &&, int4range(epoch, epoch, '[]') WITH &&,
     int8range(first_counter, last_counter, '[]') WITH &&) WHERE (content = 'pins' AND NOT reprint);

CREATE TABLE package_download (
    tenant_id BIGINT NOT NULL,
    package_id UUID NOT NULL,
    number INTEGER NOT NULL,
    fetched_by TEXT NOT NULL,
    address TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_package_download PRIMARY KEY (tenant_id, package_id, number),
    CONSTRAINT fk_package_download_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_package_download_tenant_id_package_id_package
        FOREIGN KEY(tenant_id, package_id) REFERENCES package (tenant_id, id)
);

CALL fence_table('package_recipient', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('package', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('package_download', 'tenant_id', 'SELECT, INSERT');
