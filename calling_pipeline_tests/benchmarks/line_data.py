"""A month of telephony for the benchmark of analyses: two tenants, 100 extensions, 200 collectors, 300,000 calls."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.telephony.pool.line_counts import store
from calling_pipeline.telephony.reviews.samples import sampling
from calling_pipeline.telephony.reviews.samples.records import Wish

DAYS, CALLS = 31, 300_000

_STATEMENTS = (
    "INSERT INTO infinity_configs (tenant_id, name, api_url, app_id, enabled, strategy, max_concurrent_calls,"
    " ring_timeout_s, cool_down_s,"
    " quarantine_after, quarantine_s, caller_numbers, created_at, updated_at) SELECT t, 'bench',"
    " 'https://infinity.example', 'a', true, 'lru', 50, 30, 10, 0, 0, '{}', now(), now() FROM generate_series(1, 2) AS t",
    "INSERT INTO extension_pool (config_id, number, created_at) SELECT c.id, cast(9000 + 2 * n + c.tenant_id AS text), now()"
    " FROM infinity_configs AS c, generate_series(0, 49) AS n",
    "INSERT INTO collectors (tenant_id, id, name, callback_number_sealed, callback_number_masked, created_at, updated_at)"
    " SELECT 1 + n % 2, n, 'collector ' || n, '', '138****0000', now(), now() FROM generate_series(1, 200) AS n",
    "INSERT INTO communication_records (reference, tenant_id, config_id, collector_id, extension_id, extension_number,"
    " fence, destination_masked, destination_hash, state, call_uuid, started_at, called_at, deadline, closed_at, settled_at,"
    " settled_by, duration_s, callback_delay_s) SELECT md5(n::text), e.tenant_id, e.config_id, "
    " 2 * (n % 99 + 1) - e.tenant_id % 2, e.id, e.number, n, '138****0000', '', CASE WHEN n % 5 < 3 THEN"
    " 'connected' ELSE 'not_connected' END, 'u' || n,"
    " at, at, at, at + make_interval(secs => 20 + n % 997 * 79 % 400), at + make_interval(secs => 20 + n % 997 * 79 % 400),"
    " 'callback', CASE WHEN n % 5 < 3 THEN n % 997 * 79 % 400 ELSE 0 END, (n * 31 % 40) / 10.0"
    " FROM (SELECT n, 1 + n % 100 AS line, cast(:begin AS timestamptz) + make_interval(secs => n"
    " * (:days * 86400.0 / :calls)) AS at FROM generate_series(0, :calls - 1) AS n) AS made INNER JOIN"
    " (SELECT p.id, p.number, c.tenant_id, c.id AS"
    " config_id, row_number() OVER (ORDER BY p.id) AS line FROM extension_pool AS p INNER JOIN infinity_configs AS c"
    " ON p.config_id = c.id) AS e ON made.line = e.line",
    "INSERT INTO call_refusals (tenant_id, hour, rule, number) SELECT t, cast(:begin AS timestamptz)"
    " + make_interval(hours => h), rule, 5 FROM generate_series(1, 2) AS t, generate_series(0, :days * 24 - 1) AS h,"
    " unnest(ARRAY['none_free', 'over_limit', 'in_call', 'contact_policy:hours']) AS rule",
)


def fill(engine: sa.Engine, *, factor: float = 1.0) -> None:
    """Fill telephony, count its days and draw a sample of the month."""
    last = days.today() - dt.timedelta(days=1)
    begin = days.day_bounds(last - dt.timedelta(days=DAYS - 1))[0]
    values = {"begin": begin, "days": DAYS, "calls": max(1000, int(CALLS * factor))}
    with engine.begin() as connection:
        for statement in _STATEMENTS:
            connection.execute(sa.text(statement), values)
    with engine.begin() as connection:
        while store.catch_up(connection):
            pass
        sampling.draw_sample(connection, Wish(1, begin.date(), last), who="bench")
