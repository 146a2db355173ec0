-- Notes one heartbeat to the outside watcher: that one is about to be sent, or that it arrived (`heard`). Of this row counted_to
-- is how many were begun, seen_to how many arrived, and seen_at when the last did.
INSERT INTO measure_marks (source, counted_to, seen_to, seen_by, seen_at)
VALUES ('heartbeat', 1, 0, 0, '-infinity')
ON CONFLICT (source) DO UPDATE
    SET
        counted_to = measure_marks.counted_to + CASE WHEN :heard THEN 0 ELSE 1 END,
        seen_to = measure_marks.seen_to + CASE WHEN :heard THEN 1 ELSE 0 END,
        seen_at = CASE WHEN :heard THEN cast(:now AS timestamptz) ELSE measure_marks.seen_at END;
