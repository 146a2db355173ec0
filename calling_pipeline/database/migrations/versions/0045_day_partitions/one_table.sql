-- Call records of all partitions in one table again, under an exclusive lock.
LOCK TABLE call_records IN ACCESS EXCLUSIVE MODE;
CREATE TABLE one_table (LIKE call_records INCLUDING CONSTRAINTS);
INSERT INTO one_table SELECT * FROM call_records;
DROP TABLE call_records;
ALTER TABLE one_table RENAME TO call_records;
ALTER TABLE call_records ADD CONSTRAINT pk_call_records PRIMARY KEY (id);
CREATE INDEX ix_call_records_date ON call_records (date);
CREATE INDEX ix_call_records_phone_hash ON call_records
USING brin (phone_hash bytea_bloom_ops (n_distinct_per_range = 2000))
WITH (pages_per_range = 32, autosummarize = on);
