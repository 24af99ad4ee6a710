-- Where a scan came from: the keyed network (3 bytes) and the place (2 bytes, a cell of one degree). Older rows know no place: their
-- three bytes are padded with the two zeros of an unknown one wherever a state is packed.
ALTER TABLE scan RENAME COLUMN network TO whence;
