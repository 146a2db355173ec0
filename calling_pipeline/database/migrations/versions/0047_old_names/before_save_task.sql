-- Saves one task: inserts it or moves it, charges it, and keeps what was refused. One round trip; its first statement decides.
--
-- The model: a task id has one row, which never goes backwards (task_outcome.sql has the rules). Concurrent saves of one task
-- queue at its row, so each judges what the one before it left; concurrent charges of one act queue at the act's key. NULL
-- for p_credits, p_free or p_charge_key keeps what the task has; details are merged into those it has.
-- Details of a refused save are not kept, but the save is counted (saves, last_outcome).
CREATE FUNCTION save_task(
    p_task text, p_feature text, p_state text, p_credits bigint, p_free boolean, p_charge_key text, p_details jsonb,
    p_at timestamptz, p_by text,
    OUT outcome text, OUT saved_task text, OUT state_now text, OUT credits_now bigint, OUT charge text, OUT reason text
) LANGUAGE plpgsql AS $$
DECLARE
    v_feature text; v_free boolean; v_act text; v_charged record;
BEGIN
    INSERT INTO task_ledger AS kept (
        task_id, feature, state, credits, free, charged_act, details,
        created_at, created_by, updated_at, updated_by, finished_at, saves, last_outcome)
    VALUES (
        p_task, p_feature, p_state, coalesce(p_credits, 0), coalesce(p_free, coalesce(p_credits, 0) = 0),
        coalesce(p_charge_key, p_task), p_details, p_at, p_by, p_at, p_by,
        CASE WHEN p_state <> 'pending' THEN p_at END, 1, 'created')
    ON CONFLICT (task_id) DO UPDATE
    SET (last_outcome, saves, feature, state, credits, free, charged_act, details, updated_at, updated_by, finished_at) = (
        SELECT judged.outcome, kept.saves + 1,
            CASE WHEN moves AND kept.feature = '' THEN excluded.feature ELSE kept.feature END,
            CASE WHEN moves THEN excluded.state ELSE kept.state END,
            CASE WHEN moves THEN wanted.credits ELSE kept.credits END,
            CASE WHEN moves THEN wanted.free ELSE kept.free END,
            CASE WHEN moves THEN wanted.charged_act ELSE kept.charged_act END,
            CASE WHEN moves THEN wanted.details ELSE kept.details END,
            CASE WHEN moves THEN wanted.at ELSE kept.updated_at END,
            CASE WHEN moves THEN excluded.updated_by ELSE kept.updated_by END,
            CASE WHEN moves AND kept.state <> excluded.state THEN wanted.at ELSE kept.finished_at END
        FROM (SELECT coalesce(p_credits, kept.credits) AS credits,
            coalesce(p_free, CASE WHEN p_credits <> kept.credits THEN p_credits = 0 END, kept.free) AS free,
            coalesce(p_charge_key, kept.charged_act) AS charged_act, kept.details || excluded.details AS details,
            greatest(kept.updated_at, excluded.updated_at) AS at) AS wanted
        CROSS JOIN LATERAL (SELECT task_outcome(kept.state, kept.feature, excluded.state, excluded.feature,
            (excluded.state, wanted.credits, wanted.free, wanted.charged_act, wanted.details)
            = (kept.state, kept.credits, kept.free, kept.charged_act, kept.details)) AS outcome) AS judged
        CROSS JOIN LATERAL (SELECT judged.outcome = 'updated' AS moves) AS verdict)
    RETURNING kept.task_id, kept.feature, kept.state, kept.credits, kept.free, kept.charged_act, kept.last_outcome
    INTO saved_task, v_feature, state_now, credits_now, v_free, v_act, outcome;
    charge := 'none';
    IF state_now = 'completed' OR outcome = 'refused' THEN
        v_charged := charge_task(saved_task, v_feature, state_now, credits_now, v_free, v_act, outcome,
            p_state, p_feature, p_credits, p_free, p_at, p_by);
        charge := v_charged.charge;
        reason := v_charged.reason;
    END IF;
END $$;
