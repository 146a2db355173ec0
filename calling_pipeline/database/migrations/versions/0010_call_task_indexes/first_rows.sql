-- The one row that numbers for the gateway are counted from. Frozen.
INSERT INTO gateway_ids (single, last_slot) VALUES (true, 0);
