-- Counts how late the callbacks of a day came that has no counts.
INSERT INTO line_delays (day, tenant_id, outcome, tenths, calls)
{live};
