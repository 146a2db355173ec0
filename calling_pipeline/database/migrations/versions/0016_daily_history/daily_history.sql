-- One row per day with the newest numbers of both tracks.
CREATE TABLE daily_history (
    date date NOT NULL,
    total_tasks bigint,
    callout_number bigint,
    called_number bigint,
    success_number bigint,
    connected_rate numeric(7, 2),
    task_calculated_at timestamp with time zone,
    task_sync_type text,
    task_fetch_number bigint,
    grade_9 bigint,
    grade_1 bigint,
    total_success bigint,
    total_records bigint,
    grade_calculated_at timestamp with time zone,
    grade_sync_type text,
    grade_fetch_number bigint,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_daily_history PRIMARY KEY (date),
    CONSTRAINT ck_daily_history_task_track_is_whole CHECK (
        num_nulls(
            total_tasks, callout_number, called_number, success_number, connected_rate,
            task_calculated_at, task_sync_type, task_fetch_number
        ) IN (0, 8)
    ),
    CONSTRAINT ck_daily_history_grade_track_is_whole CHECK (
        num_nulls(
            grade_9, grade_1, total_success, total_records, grade_calculated_at, grade_sync_type, grade_fetch_number
        ) IN (0, 7)
    )
);
COMMENT ON TABLE daily_history IS
'The numbers of every day, kept permanently; written in the transaction that publishes a track''s cache';
