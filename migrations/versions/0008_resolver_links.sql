CREATE TABLE resolver_link (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    gtin TEXT NOT NULL,
    lot TEXT DEFAULT '' NOT NULL,
    serial TEXT DEFAULT '' NOT NULL,
    link_type TEXT NOT NULL,
    href TEXT NOT NULL,
    title TEXT NOT NULL,
    languages TEXT[] DEFAULT '{}' NOT NULL,
    media_type TEXT DEFAULT '' NOT NULL,
    contexts TEXT[] DEFAULT '{}' NOT NULL,
    role TEXT DEFAULT 'plain' NOT NULL,
    place INTEGER DEFAULT '0' NOT NULL,
    passes_query BOOLEAN DEFAULT 'true' NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE,
    valid_until TIMESTAMP WITH TIME ZONE,
    fingerprint BYTEA NOT NULL,
    revision INTEGER DEFAULT '1' NOT NULL,
    changed_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_resolver_link PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_resolver_link_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id),
    CONSTRAINT fk_resolver_link_tenant_id_gtin_product FOREIGN KEY(tenant_id, gtin) REFERENCES product (tenant_id, gtin),
    CONSTRAINT ck_resolver_link_level CHECK (lot = '' OR serial = ''),
    CONSTRAINT ck_resolver_link_role CHECK (role IN ('plain', 'default', 'multi')),
    CONSTRAINT ck_resolver_link_item_default CHECK (serial = '' OR role = 'plain'),
    CONSTRAINT ck_resolver_link_https CHECK (href LIKE 'https://%'),
    CONSTRAINT ck_resolver_link_validity CHECK (valid_from < valid_until)
);

CREATE INDEX ix_resolver_link_level ON resolver_link (tenant_id, gtin, lot, serial);
-- The same link twice would make a phone choose between two of a kind; a removed one may come again.
CREATE UNIQUE INDEX uq_resolver_link_same ON resolver_link (tenant_id, fingerprint) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX uq_resolver_link_default ON resolver_link (tenant_id, gtin, lot) WHERE role = 'default' AND removed_at IS NULL;

CREATE TABLE link_host (
    tenant_id BIGINT NOT NULL,
    host TEXT NOT NULL,
    added_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_link_host PRIMARY KEY (tenant_id, host),
    CONSTRAINT fk_link_host_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE link_vocabulary (
    tenant_id BIGINT NOT NULL,
    prefix TEXT NOT NULL,
    namespace TEXT NOT NULL,
    added_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_link_vocabulary PRIMARY KEY (tenant_id, prefix),
    CONSTRAINT fk_link_vocabulary_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CALL fence_table('resolver_link', 'tenant_id', 'SELECT, INSERT, UPDATE');
CALL fence_table('link_host', 'tenant_id', 'SELECT, INSERT, DELETE');
CALL fence_table('link_vocabulary', 'tenant_id', 'SELECT, INSERT, DELETE');

-- A product's public page is asked for by GTIN alone. A GTIN belongs to one brand of the instance, and this says to which, nothing else.
CREATE POLICY directory ON product FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION owner_of_gtin(number text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT tenant_id FROM product WHERE gtin = number $$;

REVOKE ALL ON FUNCTION owner_of_gtin(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owner_of_gtin(text) TO onemark_app;
