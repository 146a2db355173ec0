-- Keeps `monthly_agents` the sum of `daily_agents`, after each statement that adds, changes or deletes days of agents.
--
-- Whoever changes days of a month waits for others who do: the rows of a month are changed by one transaction at a time, so two
-- days of one month that are counted at once never wait for each other's agents in a circle.
CREATE FUNCTION sum_agent_months() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM monthly_agents;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_advisory_xact_lock(hashtext('agent month'), months.month - date '2000-01-01')
        FROM (SELECT DISTINCT date_trunc('month', date::timestamp)::date AS month FROM gone ORDER BY 1) AS months;
        UPDATE monthly_agents AS kept SET
            days = kept.days - less.days, calls = kept.calls - less.calls, connected = kept.connected - less.connected,
            talk_s = kept.talk_s - less.talk_s, grade_9 = kept.grade_9 - less.grade_9,
            grade_1 = kept.grade_1 - less.grade_1, orders = kept.orders - less.orders
        FROM (
            SELECT date_trunc('month', date::timestamp)::date AS month, agent_id, count(*) AS days, sum(calls) AS calls,
                sum(connected) AS connected, sum(talk_s) AS talk_s, sum(grade_9) AS grade_9, sum(grade_1) AS grade_1,
                sum(orders) AS orders
            FROM gone GROUP BY 1, 2
        ) AS less
        WHERE kept.month = less.month AND kept.agent_id = less.agent_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_advisory_xact_lock(hashtext('agent month'), months.month - date '2000-01-01')
        FROM (SELECT DISTINCT date_trunc('month', date::timestamp)::date AS month FROM added ORDER BY 1) AS months;
        INSERT INTO monthly_agents AS kept (month, agent_id, days, calls, connected, talk_s, grade_9, grade_1, orders)
        SELECT date_trunc('month', date::timestamp)::date, agent_id, count(*), sum(calls), sum(connected), sum(talk_s),
            sum(grade_9), sum(grade_1), sum(orders)
        FROM added GROUP BY 1, 2
        ON CONFLICT (month, agent_id) DO UPDATE SET
            days = kept.days + excluded.days, calls = kept.calls + excluded.calls,
            connected = kept.connected + excluded.connected, talk_s = kept.talk_s + excluded.talk_s,
            grade_9 = kept.grade_9 + excluded.grade_9, grade_1 = kept.grade_1 + excluded.grade_1,
            orders = kept.orders + excluded.orders;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM monthly_agents AS kept
        USING (SELECT DISTINCT date_trunc('month', date::timestamp)::date AS month FROM gone) AS months
        WHERE kept.month = months.month AND kept.days = 0;
    END IF;
    RETURN NULL;
END $$;
