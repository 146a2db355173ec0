-- Numbers that stand in the old history itself (its lines up to `:last_line` of the import) more than once with different times:
-- how many there are, and some of them with their first and last time. The import has counted the latest.
SELECT phone, min(last_at) AS first, max(last_at) AS last, count(*) OVER () AS numbers
FROM history_lines
WHERE phone IS NOT NULL AND reason IS NULL AND line <= :last_line
GROUP BY phone
HAVING min(last_at) < max(last_at)
ORDER BY phone
LIMIT :examples
