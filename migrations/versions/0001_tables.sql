-- Every table of the first release. Row-level security and grants stand in 0001_fences.sql.

CREATE TABLE campaign (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    name_zh TEXT DEFAULT '' NOT NULL,
    mechanic TEXT NOT NULL,
    state TEXT NOT NULL,
    revision INTEGER DEFAULT '1' NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    points BIGINT NOT NULL,
    points_valid_days INTEGER,
    claims_per_consumer_max INTEGER,
    claims_per_day_max INTEGER,
    points_budget BIGINT,
    points_granted BIGINT DEFAULT '0' NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_campaign PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_campaign_mechanic CHECK (mechanic IN ('first_scan_points')),
    CONSTRAINT ck_campaign_state CHECK (state IN ('draft', 'running', 'paused', 'ended')),
    CONSTRAINT ck_campaign_period CHECK (starts_at < ends_at),
    CONSTRAINT ck_campaign_points CHECK (points > 0),
    CONSTRAINT ck_campaign_claims_per_consumer_max CHECK (claims_per_consumer_max > 0),
    CONSTRAINT ck_campaign_claims_per_day_max CHECK (claims_per_day_max > 0),
    CONSTRAINT ck_campaign_points_budget CHECK (points_budget > 0 AND points_granted BETWEEN 0 AND points_budget)
);

CREATE TABLE catalogue_version (
    one_row BOOLEAN DEFAULT 'true' NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_catalogue_version PRIMARY KEY (one_row),
    CONSTRAINT ck_catalogue_version_one_row CHECK (one_row)
);

CREATE TABLE consumer (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    nickname TEXT DEFAULT '' NOT NULL,
    language TEXT DEFAULT '' NOT NULL,
    source JSONB DEFAULT '{}' NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_consumer PRIMARY KEY (tenant_id, id)
);

CREATE INDEX ix_consumer_joined ON consumer (tenant_id, joined_at);

CREATE TABLE distributor (
    tenant_id BIGINT NOT NULL,
    distributor_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_distributor PRIMARY KEY (tenant_id, distributor_id)
);

CREATE TABLE imported_file (
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    rows INTEGER NOT NULL,
    rows_new INTEGER NOT NULL,
    imported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_imported_file PRIMARY KEY (tenant_id, kind, sha256)
);

CREATE TABLE log_dead_letter (
    partition SMALLINT NOT NULL,
    generation BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    entry BYTEA NOT NULL,
    error TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_log_dead_letter PRIMARY KEY (partition, generation, sequence)
);

CREATE TABLE log_generation (
    one_row BOOLEAN DEFAULT 'true' NOT NULL,
    generation BIGINT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_log_generation PRIMARY KEY (one_row),
    CONSTRAINT ck_log_generation_one_row CHECK (one_row)
);

CREATE TABLE log_position (
    partition SMALLINT NOT NULL,
    generation BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    stopped TEXT DEFAULT '' NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_log_position PRIMARY KEY (partition)
);

CREATE TABLE one_time_code (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    phone_hash BYTEA NOT NULL,
    visitor BYTEA NOT NULL,
    code_hash BYTEA NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    tries INTEGER DEFAULT '0' NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_one_time_code PRIMARY KEY (tenant_id, id)
);

CREATE INDEX ix_one_time_code_phone ON one_time_code (tenant_id, phone_hash, sent_at);

CREATE INDEX ix_one_time_code_visitor ON one_time_code (tenant_id, visitor, sent_at);

CREATE TABLE outbox (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    topic TEXT NOT NULL,
    payload JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER DEFAULT '0' NOT NULL,
    last_error TEXT,
    CONSTRAINT pk_outbox PRIMARY KEY (tenant_id, id)
);

CREATE INDEX ix_outbox_waiting ON outbox (tenant_id, created_at) WHERE delivered_at IS NULL;

CREATE TABLE point_transfer (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    natural_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    facts JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_point_transfer PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_point_transfer_tenant_id_natural_key UNIQUE (tenant_id, natural_key),
    CONSTRAINT ck_point_transfer_kind CHECK (kind IN ('earn', 'spend', 'expire', 'refund', 'reverse', 'adjust'))
);

CREATE TABLE scan (
    tenant_id BIGINT NOT NULL,
    scan_id UUID NOT NULL,
    scanned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    epoch SMALLINT,
    counter BIGINT,
    order_id UUID,
    gtin TEXT DEFAULT '' NOT NULL,
    lot TEXT DEFAULT '' NOT NULL,
    serial TEXT DEFAULT '' NOT NULL,
    verdict TEXT NOT NULL,
    reasons JSONB DEFAULT '[]' NOT NULL,
    role TEXT NOT NULL,
    visitor BYTEA NOT NULL,
    network BYTEA NOT NULL,
    ip INET,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    accuracy_m DOUBLE PRECISION,
    division TEXT DEFAULT '' NOT NULL,
    client TEXT DEFAULT '' NOT NULL,
    language TEXT DEFAULT '' NOT NULL,
    source TEXT DEFAULT 'live' NOT NULL,
    CONSTRAINT pk_scan PRIMARY KEY (tenant_id, scan_id, scanned_at),
    CONSTRAINT ck_scan_code CHECK ((epoch IS NULL) = (counter IS NULL))
)
 PARTITION BY RANGE (scanned_at);

CREATE INDEX ix_scan_code ON scan (tenant_id, epoch, counter, scanned_at);

CREATE INDEX ix_scan_order ON scan (tenant_id, order_id, scanned_at);

CREATE INDEX ix_scan_time ON scan (tenant_id, scanned_at);

CREATE INDEX ix_scan_visitor ON scan (tenant_id, visitor, scanned_at);

CREATE TABLE scan_total (
    tenant_id BIGINT NOT NULL,
    day DATE NOT NULL,
    gtin TEXT NOT NULL,
    division TEXT NOT NULL,
    verdict TEXT NOT NULL,
    scans BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    CONSTRAINT pk_scan_total PRIMARY KEY (tenant_id, day, gtin, division, verdict)
);

CREATE TABLE staff (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    distributor_id TEXT,
    language TEXT DEFAULT '' NOT NULL,
    session_epoch INTEGER DEFAULT '0' NOT NULL,
    disabled_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_staff PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_staff_email UNIQUE (email),
    CONSTRAINT ck_staff_role CHECK (role IN ('owner', 'marketer', 'distributor', 'inspector', 'line')),
    CONSTRAINT ck_staff_distributor CHECK ((role = 'distributor') = (distributor_id IS NOT NULL)),
    CONSTRAINT ck_staff_email CHECK (email = lower(email))
);

CREATE TABLE tenant (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    scan_origin TEXT NOT NULL,
    timezone TEXT DEFAULT 'Asia/Shanghai' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_tenant PRIMARY KEY (id),
    CONSTRAINT uq_tenant_slug UNIQUE (slug)
);

CREATE TABLE text_message (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    phone_sealed BYTEA NOT NULL,
    body_sealed BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    provider TEXT DEFAULT '' NOT NULL,
    provider_reference TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_text_message PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_text_message_state CHECK (state IN ('queued', 'sent', 'failed'))
);

CREATE INDEX ix_text_message_time ON text_message (tenant_id, created_at);

CREATE TABLE visitor_activity (
    tenant_id BIGINT NOT NULL,
    visitor BYTEA NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    scans BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    CONSTRAINT pk_visitor_activity PRIMARY KEY (tenant_id, visitor)
);

CREATE TABLE brand_host (
    tenant_id BIGINT NOT NULL,
    host TEXT NOT NULL,
    CONSTRAINT pk_brand_host PRIMARY KEY (tenant_id, host),
    CONSTRAINT fk_brand_host_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE campaign_product (
    tenant_id BIGINT NOT NULL,
    campaign_id UUID NOT NULL,
    gtin TEXT NOT NULL,
    CONSTRAINT pk_campaign_product PRIMARY KEY (tenant_id, campaign_id, gtin),
    CONSTRAINT fk_campaign_product_tenant_id_campaign_id_campaign FOREIGN KEY(tenant_id, campaign_id) REFERENCES campaign (tenant_id, id)
);

CREATE TABLE claim (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    campaign_revision INTEGER NOT NULL,
    epoch SMALLINT NOT NULL,
    counter BIGINT NOT NULL,
    consumer_id UUID NOT NULL,
    scan_id UUID NOT NULL,
    gtin TEXT NOT NULL,
    points BIGINT NOT NULL,
    transfer_id UUID NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_claim PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_claim_tenant_id_campaign_id_campaign FOREIGN KEY(tenant_id, campaign_id) REFERENCES campaign (tenant_id, id),
    CONSTRAINT uq_claim_tenant_id_campaign_id_epoch_counter UNIQUE (tenant_id, campaign_id, epoch, counter)
);

CREATE INDEX ix_claim_consumer ON claim (tenant_id, consumer_id, claimed_at);

CREATE TABLE claim_count (
    tenant_id BIGINT NOT NULL,
    campaign_id UUID NOT NULL,
    consumer_id UUID NOT NULL,
    day DATE NOT NULL,
    claims INTEGER NOT NULL,
    CONSTRAINT pk_claim_count PRIMARY KEY (tenant_id, campaign_id, consumer_id, day),
    CONSTRAINT fk_claim_count_tenant_id_campaign_id_campaign FOREIGN KEY(tenant_id, campaign_id) REFERENCES campaign (tenant_id, id)
);

CREATE TABLE consent (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    consumer_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    granted BOOLEAN NOT NULL,
    text_version TEXT NOT NULL,
    text_sha256 BYTEA NOT NULL,
    language TEXT NOT NULL,
    channel TEXT NOT NULL,
    scan_id UUID,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_consent PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_consent_tenant_id_consumer_id_consumer FOREIGN KEY(tenant_id, consumer_id) REFERENCES consumer (tenant_id, id),
    CONSTRAINT ck_consent_purpose CHECK (purpose IN ('service', 'marketing', 'location'))
);

CREATE INDEX ix_consent_consumer ON consent (tenant_id, consumer_id, given_at);

CREATE TABLE gtin_prefix (
    tenant_id BIGINT NOT NULL,
    prefix TEXT NOT NULL,
    CONSTRAINT pk_gtin_prefix PRIMARY KEY (tenant_id, prefix),
    CONSTRAINT fk_gtin_prefix_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE identity (
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    value_hash BYTEA NOT NULL,
    value_sealed BYTEA,
    consumer_id UUID NOT NULL,
    linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_identity PRIMARY KEY (tenant_id, kind, value_hash),
    CONSTRAINT fk_identity_tenant_id_consumer_id_consumer FOREIGN KEY(tenant_id, consumer_id) REFERENCES consumer (tenant_id, id),
    CONSTRAINT ck_identity_kind CHECK (kind IN ('phone', 'visitor'))
);

CREATE INDEX ix_identity_consumer ON identity (tenant_id, consumer_id);

CREATE TABLE key_epoch (
    tenant_id BIGINT NOT NULL,
    epoch SMALLINT NOT NULL,
    wrapped_master BYTEA NOT NULL,
    kek_id TEXT NOT NULL,
    state TEXT NOT NULL,
    next_counter BIGINT DEFAULT '0' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_key_epoch PRIMARY KEY (tenant_id, epoch),
    CONSTRAINT ck_key_epoch_epoch CHECK (epoch BETWEEN 0 AND 30),
    CONSTRAINT ck_key_epoch_next_counter CHECK (next_counter BETWEEN 0 AND 1099511627776),
    CONSTRAINT ck_key_epoch_state CHECK (state IN ('open', 'closed', 'revoked')),
    CONSTRAINT fk_key_epoch_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE UNIQUE INDEX uq_key_epoch_open ON key_epoch (tenant_id) WHERE state = 'open';

CREATE TABLE point_account (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    house TEXT,
    consumer_id UUID,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_point_account PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_point_account_tenant_id_consumer_id_consumer FOREIGN KEY(tenant_id, consumer_id) REFERENCES consumer (tenant_id, id),
    CONSTRAINT uq_point_account_tenant_id_consumer_id UNIQUE (tenant_id, consumer_id),
    CONSTRAINT uq_point_account_tenant_id_house UNIQUE (tenant_id, house),
    CONSTRAINT ck_point_account_owner CHECK ((house IS NULL) <> (consumer_id IS NULL)),
    CONSTRAINT ck_point_account_house CHECK (house IN ('issued', 'spent', 'expired'))
);

CREATE TABLE product (
    tenant_id BIGINT NOT NULL,
    gtin TEXT NOT NULL,
    name TEXT NOT NULL,
    name_zh TEXT DEFAULT '' NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_product PRIMARY KEY (tenant_id, gtin),
    CONSTRAINT uq_product_gtin UNIQUE (gtin),
    CONSTRAINT ck_product_gtin CHECK (gtin ~ '^[0-9]{14}$'),
    CONSTRAINT fk_product_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE shipment (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    distributor_id TEXT NOT NULL,
    shipped_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lot TEXT DEFAULT '' NOT NULL,
    serial TEXT DEFAULT '' NOT NULL,
    epoch SMALLINT,
    counter BIGINT,
    CONSTRAINT pk_shipment PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_shipment_tenant_id_distributor_id_distributor FOREIGN KEY(tenant_id, distributor_id) REFERENCES distributor (tenant_id, distributor_id),
    CONSTRAINT ck_shipment_serial CHECK ((epoch IS NULL) = (counter IS NULL))
);

CREATE INDEX ix_shipment_distributor ON shipment (tenant_id, distributor_id, shipped_at);

CREATE INDEX ix_shipment_lot ON shipment (tenant_id, lot);

CREATE INDEX ix_shipment_serial ON shipment (tenant_id, epoch, counter);

CREATE TABLE territory (
    tenant_id BIGINT NOT NULL,
    distributor_id TEXT NOT NULL,
    division TEXT NOT NULL,
    CONSTRAINT pk_territory PRIMARY KEY (tenant_id, distributor_id, division),
    CONSTRAINT fk_territory_tenant_id_distributor_id_distributor FOREIGN KEY(tenant_id, distributor_id) REFERENCES distributor (tenant_id, distributor_id)
);

CREATE TABLE code_order (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    request_id TEXT NOT NULL,
    epoch SMALLINT NOT NULL,
    first_counter BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    gtin TEXT NOT NULL,
    lot TEXT NOT NULL,
    kind TEXT NOT NULL,
    profile TEXT NOT NULL,
    ordered_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_code_order PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_code_order_tenant_id_gtin_product FOREIGN KEY(tenant_id, gtin) REFERENCES product (tenant_id, gtin),
    CONSTRAINT fk_code_order_tenant_id_epoch_key_epoch FOREIGN KEY(tenant_id, epoch) REFERENCES key_epoch (tenant_id, epoch),
    CONSTRAINT uq_code_order_tenant_id_request_id UNIQUE (tenant_id, request_id),
    CONSTRAINT uq_code_order_tenant_id_epoch_first_counter UNIQUE (tenant_id, epoch, first_counter),
    CONSTRAINT ck_code_order_quantity CHECK (quantity BETWEEN 1 AND 1000000000),
    CONSTRAINT ck_code_order_kind CHECK (kind IN ('item_outer', 'item_inner', 'case', 'pallet', 'spare', 'canary')),
    CONSTRAINT ck_code_order_profile CHECK (profile IN ('gs1', 'short')),
    CONSTRAINT fk_code_order_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE INDEX ix_code_order_lot ON code_order (tenant_id, lot);

CREATE TABLE point_entry (
    tenant_id BIGINT NOT NULL,
    transfer_id UUID NOT NULL,
    account_id UUID NOT NULL,
    points BIGINT NOT NULL,
    CONSTRAINT pk_point_entry PRIMARY KEY (tenant_id, transfer_id, account_id),
    CONSTRAINT fk_point_entry_tenant_id_transfer_id_point_transfer FOREIGN KEY(tenant_id, transfer_id) REFERENCES point_transfer (tenant_id, id),
    CONSTRAINT fk_point_entry_tenant_id_account_id_point_account FOREIGN KEY(tenant_id, account_id) REFERENCES point_account (tenant_id, id),
    CONSTRAINT ck_point_entry_points CHECK (points <> 0)
);

CREATE INDEX ix_point_entry_account ON point_entry (tenant_id, account_id, transfer_id);

CREATE TABLE point_lot (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    transfer_id UUID NOT NULL,
    points_original BIGINT NOT NULL,
    points_remaining BIGINT NOT NULL,
    activates_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_point_lot PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_point_lot_tenant_id_account_id_point_account FOREIGN KEY(tenant_id, account_id) REFERENCES point_account (tenant_id, id),
    CONSTRAINT fk_point_lot_tenant_id_transfer_id_point_transfer FOREIGN KEY(tenant_id, transfer_id) REFERENCES point_transfer (tenant_id, id),
    CONSTRAINT ck_point_lot_points_original CHECK (points_original > 0),
    CONSTRAINT ck_point_lot_points_remaining CHECK (points_remaining BETWEEN 0 AND points_original),
    CONSTRAINT ck_point_lot_expiry CHECK (expires_at IS NULL OR expires_at > activates_at)
);

CREATE INDEX ix_point_lot_account ON point_lot (tenant_id, account_id, expires_at);

CREATE INDEX ix_point_lot_expiry ON point_lot (tenant_id, expires_at) WHERE points_remaining > 0;

CREATE TABLE export (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    state TEXT NOT NULL,
    rows_done BIGINT DEFAULT '0' NOT NULL,
    rows_total BIGINT NOT NULL,
    file_name TEXT DEFAULT '' NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    facts JSONB DEFAULT '{}' NOT NULL,
    requested_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_export PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_export_tenant_id_order_id_code_order FOREIGN KEY(tenant_id, order_id) REFERENCES code_order (tenant_id, id),
    CONSTRAINT ck_export_state CHECK (state IN ('queued', 'running', 'ready', 'failed')),
    CONSTRAINT fk_export_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE TABLE lot_allocation (
    tenant_id BIGINT NOT NULL,
    transfer_id UUID NOT NULL,
    lot_id UUID NOT NULL,
    points BIGINT NOT NULL,
    CONSTRAINT pk_lot_allocation PRIMARY KEY (tenant_id, transfer_id, lot_id),
    CONSTRAINT fk_lot_allocation_tenant_id_transfer_id_point_transfer FOREIGN KEY(tenant_id, transfer_id) REFERENCES point_transfer (tenant_id, id),
    CONSTRAINT fk_lot_allocation_tenant_id_lot_id_point_lot FOREIGN KEY(tenant_id, lot_id) REFERENCES point_lot (tenant_id, id),
    CONSTRAINT ck_lot_allocation_points CHECK (points > 0)
);

CREATE TABLE range_state (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    epoch SMALLINT NOT NULL,
    first_counter BIGINT NOT NULL,
    last_counter BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_range_state PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_range_state_tenant_id_order_id_code_order FOREIGN KEY(tenant_id, order_id) REFERENCES code_order (tenant_id, id),
    CONSTRAINT ck_range_state_state CHECK (state IN ('active', 'recalled', 'void')),
    CONSTRAINT ck_range_state_interval CHECK (first_counter <= last_counter),
    CONSTRAINT fk_range_state_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id)
);

CREATE INDEX ix_range_state_order ON range_state (tenant_id, order_id);
