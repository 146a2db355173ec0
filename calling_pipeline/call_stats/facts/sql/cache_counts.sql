-- How many rows each cache holds of one day, and what agents and hours add up to.
SELECT
    (
        SELECT count(*) FROM grade_stats_cache
        WHERE date = :day
    ) AS grade_rows,
    (
        SELECT count(*) FROM task_stats_cache
        WHERE date = :day
    ) AS task_rows,
    (
        SELECT coalesce(sum(orders), 0) FROM agent_ranking
        WHERE date = :day
    ) AS agent_orders,
    (
        SELECT coalesce(sum(calls), 0) FROM agent_ranking
        WHERE date = :day
    ) AS agent_calls,
    (
        SELECT coalesce(sum(orders), 0) FROM hourly_orders
        WHERE date = :day
    ) AS hourly_orders,
    (
        SELECT coalesce(sum(calls), 0) FROM hourly_orders
        WHERE date = :day
    ) AS hourly_calls;
