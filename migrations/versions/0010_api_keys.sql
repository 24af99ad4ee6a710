-- Keys by which apps and devices report scans. Of the key itself only a hash is kept.
CREATE TABLE api_key (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    key_sha256 BYTEA NOT NULL,
    shown TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    scans_per_s INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_by TEXT DEFAULT '' NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_api_key PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_api_key_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT uq_api_key_key_sha256 UNIQUE (key_sha256),
    CONSTRAINT ck_api_key_key_sha256 CHECK (octet_length(key_sha256) = 32),
    CONSTRAINT ck_api_key_scopes CHECK (cardinality(scopes) > 0),
    CONSTRAINT ck_api_key_scans_per_s CHECK (scans_per_s > 0)
);

-- Of two living keys of one name nobody could say which to revoke.
CREATE UNIQUE INDEX uq_api_key_name ON api_key (tenant_id, name) WHERE revoked_at IS NULL;

CALL fence_table('api_key', 'tenant_id', 'SELECT, INSERT, UPDATE');
