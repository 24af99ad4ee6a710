ALTER TABLE code_order ADD COLUMN signed BOOLEAN DEFAULT 'false' NOT NULL;
ALTER TABLE code_order ADD COLUMN pin BOOLEAN DEFAULT 'false' NOT NULL;

-- One PIN that somebody entered, right or wrong, as the log told it: never the PIN itself. State and limits are rebuilt from here.
CREATE TABLE pin_try (
    tenant_id BIGINT NOT NULL,
    id UUID NOT NULL,
    epoch SMALLINT NOT NULL,
    counter BIGINT NOT NULL,
    tried_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome TEXT NOT NULL,
    lane TEXT NOT NULL,
    scan_id UUID NOT NULL,
    visitor BYTEA NOT NULL,
    whence BYTEA NOT NULL,
    CONSTRAINT pk_pin_try PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_pin_try_outcome CHECK (outcome IN ('right', 'wrong')),
    CONSTRAINT ck_pin_try_lane CHECK (lane IN ('known', 'home', 'open'))
);

CREATE INDEX ix_pin_try_code ON pin_try (tenant_id, epoch, counter, tried_at);

CALL fence_table('pin_try', 'tenant_id', 'SELECT, INSERT');
