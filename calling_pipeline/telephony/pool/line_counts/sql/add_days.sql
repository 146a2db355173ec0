-- Counts what each extension and each collector did on a day that has no counts.
INSERT INTO line_days (
    day, kind, tenant_id, line_id, number, calls, connected, failed, unknown, short_5, short_10, short_20, short_30, dropped,
    busy_s, talk_s, first_at, last_at
)
{live};
