-- Every source row once, with the first reason against calling it. Only the best row of a number (most orders, then first)
-- is judged by history and lists; its other rows are duplicates.
--
-- A redial rule takes away nothing but `called_before`: `redials` has what it says about a number of the recall window.
--
-- `OFFSET 0` keeps the planner from copying the expression that reads a number into every place that names it. Slots are
-- quoted by the driver, not parameters: a column may be called `100%`, which would be taken for one.
SELECT
    source_row.source_row, source_row.phone,
    left(nullif(source_row.spelling, source_row.phone), 64) AS raw,
    source_row.staff_name, source_row.sys_name, source_row.order_type, source_row.order_nums, source_row.row_key,
    CASE WHEN history.phone IS NOT NULL THEN redial.rule END AS redial,
    CASE WHEN history.phone IS NOT NULL AND redial.reason IS NULL THEN redial.redial_of END AS redial_of,
    CASE
        WHEN source_row.callable IS NULL AND {land_lines} AND source_row.kind = 'land_line' AND source_row.phone IS NULL
            THEN 'area_code_missing'
        WHEN source_row.callable IS NULL THEN coalesce(nullif(source_row.kind, 'mobile'), 'changed_meanwhile')
        WHEN source_row.place > 1 THEN 'duplicate'
        WHEN refused.rule = 'do_not_call' OR {erased} THEN 'do_not_call'
        WHEN history.phone IS NOT NULL AND (redial.phone IS NULL OR redial.reason IS NOT NULL)
            THEN coalesce(redial.reason, 'called_before')
        WHEN refusal.about = 'person' THEN 'refused_before'
        WHEN elsewhere.phone IS NOT NULL THEN 'open_elsewhere'
        WHEN refusal.about = 'account' THEN 'account_refused'
        ELSE refused.rule
    END AS reason
FROM (
    SELECT
        numbered.*,
        CASE
            WHEN callable IS NOT NULL
                THEN row_number() OVER (
                    PARTITION BY callable COLLATE "C" ORDER BY order_nums DESC NULLS LAST, source_row
                )
        END AS place
    FROM (
        SELECT
            sure.source_row, sure.spelling, sure.staff_name, sure.sys_name, sure.order_type, sure.order_nums, sure.row_key,
            coalesce(sure.mobile, CASE WHEN judged.kind = any({kinds}) THEN judged.phone END) AS callable,
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
LEFT JOIN contact_refusals AS refused ON refused.phone = source_row.callable
LEFT JOIN call_history AS history
    ON
        history.phone = source_row.callable
        AND (cast({recall_from} AS timestamptz) IS NULL OR history.last_called_at > {recall_from})
LEFT JOIN redials AS redial ON redial.phone = source_row.callable
LEFT JOIN gateway_refusals AS refusal
    ON refusal.phone = source_row.callable AND (refusal.about = 'account' OR refusal.refused_at > {refused_from})
LEFT JOIN call_tasks AS elsewhere
    ON elsewhere.phone = source_row.callable AND elsewhere.state IN ('pending', 'pushing', 'unknown');
