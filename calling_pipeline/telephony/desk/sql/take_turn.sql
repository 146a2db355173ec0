-- Take the desk's turn: of all acts that show the same turn exactly one gets a row back. Returns the desk after it.
UPDATE collector_desks
SET turn = turn + 1
WHERE tenant_id = :tenant_id AND collector_id = :collector_id AND turn = :turn
RETURNING
    tenant_id, collector_id, turn, run, batch, pause_s, resumed_at, case_id, call_id, said;
