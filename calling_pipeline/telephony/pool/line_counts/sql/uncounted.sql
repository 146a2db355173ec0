-- Days from `first` to `last` whose records are read themselves, because they are not counted.
(
    SELECT cast(generate_series(cast(:first AS date), cast(:last AS date), interval '1 day') AS date) AS day
    EXCEPT
    SELECT c.day FROM counted_line_days AS c
    WHERE c.day BETWEEN :first AND :last
)
