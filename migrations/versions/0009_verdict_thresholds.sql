-- Where a scan came from: the keyed network (3 bytes) and the place (2 bytes, a cell of one degree). Older rows know no place: their
-- three bytes are padded with the two zeros of an unknown one wherever a state is packed.
ALTER TABLE scan RENAME COLUMN network TO whence;

-- By what evidence of copies a product's buyers are warned; NULL: as usual.
ALTER TABLE product ADD COLUMN stranger_rate_pm SMALLINT;
ALTER TABLE product ADD COLUMN suspect_at_db SMALLINT;
ALTER TABLE product ADD CONSTRAINT ck_product_stranger_rate_pm CHECK (stranger_rate_pm BETWEEN 1 AND 999);
