CREATE INDEX ix_claim_code ON claim (tenant_id, epoch, counter);
