-- Every source row once, with the first reason against calling it. Only the best row of a number (most orders, then first)
-- is judged by history and lists; its other rows are duplicates.
--
-- `OFFSET 0` keeps the planner from copying the expression that reads a number into every place that names it. Slots are
-- quoted by the driver, not parameters: a column may be called `100%`, which would be taken for one.
SELECT
    source_row.source_row, source_row.phone,
    left(nullif(source_row.spelling, source_row.phone), 64) AS raw,
    source_row.staff_name, source_row.sys_name, source_row.order_type, source_row.order_nums,
    CASE
        WHEN source_row.mobile IS NULL THEN coalesce(nullif(source_row.kind, 'mobile'), 'changed_meanwhile')
        WHEN source_row.place > 1 THEN 'duplicate'
        WHEN refused.rule = 'do_not_call' THEN 'do_not_call'
        WHEN history.phone IS NOT NULL THEN 'called_before'
        WHEN refusal.about = 'person' THEN 'refused_before'
        WHEN elsewhere.phone IS NOT NULL THEN 'open_elsewhere'
        WHEN refusal.about = 'account' THEN 'account_refused'
        ELSE refused.rule
    END AS reason
FROM (
    SELECT
        numbered.*,
        CASE
            WHEN mobile IS NOT NULL
                THEN row_number() OVER (
                    PARTITION BY mobile COLLATE "C" ORDER BY order_nums DESC NULLS LAST, source_row
                )
        END AS place
    FROM (
        SELECT
            sure.source_row, sure.spelling, sure.staff_name, sure.sys_name, sure.order_type, sure.order_nums,
            coalesce(sure.mobile, CASE WHEN judged.kind = 'mobile' THEN judged.phone END) AS mobile,
            coalesce(sure.mobile, judged.phone) AS phone, judged.kind
        FROM (
            SELECT source.*, {mobile} AS mobile
            FROM (
                SELECT row_number() OVER () AS source_row, {spelling} AS spelling, {fields} FROM {source_table}
            ) AS source
            OFFSET 0
        ) AS sure
        LEFT JOIN judged_phones AS judged ON sure.mobile IS NULL AND judged.spelling = sure.spelling
    ) AS numbered
) AS source_row
LEFT JOIN contact_refusals AS refused ON refused.phone = source_row.mobile
LEFT JOIN call_history AS history
    ON
        history.phone = source_row.mobile
        AND (cast({recall_from} AS timestamptz) IS NULL OR history.last_called_at > {recall_from})
LEFT JOIN gateway_refusals AS refusal
    ON refusal.phone = source_row.mobile AND (refusal.about = 'account' OR refusal.refused_at > {refused_from})
LEFT JOIN call_tasks AS elsewhere
    ON elsewhere.phone = source_row.mobile AND elsewhere.state IN ('pending', 'pushing', 'unknown');
