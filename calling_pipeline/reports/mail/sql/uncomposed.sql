-- The mail that is to be composed next: that of the delivery which is due longest and is not composed yet by this process.
--
-- It claims nothing: several processes may compose the same mail, and each delivery is still one process's.
SELECT
    due.report_id,
    due.language,
    due.formats,
    due.correction
FROM report_deliveries AS due
WHERE
    due.state = 'pending' AND due.due_at <= :now AND (:by_mail OR due.receiver LIKE 'channel:%')
    AND NOT EXISTS (
        SELECT
        FROM
            unnest(:report_ids::bigint[], :languages::text[], :formats::text[], :corrections::boolean[])
                AS composed (report_id, language, formats, correction)
        WHERE
            composed.report_id = due.report_id
            AND composed.language = due.language
            AND composed.formats = array_to_string(due.formats, ',')
            AND composed.correction = due.correction
    )
ORDER BY due.due_at, due.id
LIMIT 1
