-- Give the call records of numbers that are known in full their canonical hash and mask. One pass over the records.
UPDATE call_records AS record
SET phone_hash = older_hashes.canonical, phone_masked = older_hashes.masked
FROM older_hashes
WHERE record.phone_hash = older_hashes.older
