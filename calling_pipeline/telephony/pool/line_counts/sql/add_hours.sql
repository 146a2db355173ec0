-- Counts what each tenant did in the hours of a day that has no counts.
INSERT INTO line_hours (
    hour, tenant_id, calls, connected, closed, busy_s, talk_s, gaps, idle_s, collectors, extensions
)
{live};
