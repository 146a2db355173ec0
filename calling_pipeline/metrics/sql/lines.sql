-- Calls through lines that are under way, those past their deadline, and callbacks that wait to be read or confirmed.
SELECT
    (
        SELECT count(*) FROM communication_records
        WHERE closed_at IS NULL
    ) AS open,
    (
        SELECT count(*) FROM communication_records
        WHERE closed_at IS NULL AND deadline < :now
    ) AS overdue,
    (
        SELECT count(*) FROM kept_callbacks
        WHERE closed_at IS NULL
    ) AS kept,
    (
        SELECT count(*) FROM call_callbacks
        WHERE record_id IS NULL
    ) AS unmatched;
