-- Saves a task; the form of version 0.1.0. Frozen.
CREATE FUNCTION save_task(
    task text, of_feature text, to_state text, asked bigint, for_free boolean, charge_key text, more jsonb,
    at timestamptz, who text,
    OUT outcome text, OUT saved_task text, OUT state_now text, OUT credits_now bigint, OUT charge text, OUT reason text)
LANGUAGE plpgsql AS $$
DECLARE
    feature_now text;
    free_now boolean;
    act_now text;
    was_paid bigint;
    paid boolean;
BEGIN
    INSERT INTO task_ledger AS kept (
        task_id, feature, state, credits, free, charged_act, details,
        created_at, created_by, updated_at, updated_by, finished_at, saves, last_outcome)
    VALUES (
        task, of_feature, to_state, coalesce(asked, 0), coalesce(for_free, coalesce(asked, 0) = 0),
        coalesce(charge_key, task), more, at, who, at, who,
        CASE WHEN to_state <> 'pending' THEN at END, 1, 'created')
    ON CONFLICT (task_id) DO UPDATE
    SET (last_outcome, saves, feature, state, credits, free, charged_act, details,
         updated_at, updated_by, finished_at) = (
        SELECT
            judged.outcome, kept.saves + 1,
            CASE WHEN moves AND kept.feature = '' THEN excluded.feature ELSE kept.feature END,
            CASE WHEN moves THEN excluded.state ELSE kept.state END,
            CASE WHEN moves THEN wanted.credits ELSE kept.credits END,
            CASE WHEN moves THEN wanted.free ELSE kept.free END,
            CASE WHEN moves THEN wanted.charged_act ELSE kept.charged_act END,
            CASE WHEN moves THEN wanted.details ELSE kept.details END,
            CASE WHEN moves THEN wanted.at ELSE kept.updated_at END,
            CASE WHEN moves THEN excluded.updated_by ELSE kept.updated_by END,
            CASE WHEN moves AND kept.state <> excluded.state THEN wanted.at ELSE kept.finished_at END
        FROM (
            SELECT
                coalesce(asked, kept.credits) AS credits,
                coalesce(for_free, CASE WHEN asked <> kept.credits THEN asked = 0 END, kept.free) AS free,
                coalesce(charge_key, kept.charged_act) AS charged_act,
                kept.details || excluded.details AS details,
                greatest(kept.updated_at, excluded.updated_at) AS at
        ) AS wanted
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN excluded.feature NOT IN ('', kept.feature) AND kept.feature <> '' THEN 'refused'
                WHEN kept.state = 'completed' AND excluded.state = 'completed' THEN 'unchanged'
                WHEN kept.state = 'completed' OR (kept.state = 'failed' AND excluded.state = 'pending') THEN 'refused'
                WHEN (excluded.state, wanted.credits, wanted.free, wanted.charged_act, wanted.details)
                   = (kept.state, kept.credits, kept.free, kept.charged_act, kept.details)
                   AND excluded.feature IN ('', kept.feature) THEN 'unchanged'
                ELSE 'updated'
            END AS outcome
        ) AS judged CROSS JOIN LATERAL (SELECT judged.outcome = 'updated' AS moves) AS verdict)
    RETURNING kept.task_id, kept.feature, kept.state, kept.credits, kept.free, kept.charged_act, kept.last_outcome
    INTO saved_task, feature_now, state_now, credits_now, free_now, act_now, outcome;

    paid := state_now = 'completed' AND NOT free_now AND credits_now > 0;
    charge := 'none';
    IF paid AND outcome IN ('created', 'updated') THEN
        INSERT INTO task_charges (charged_act, task_id, feature, credits, charged_at, charged_by)
        VALUES (act_now, saved_task, feature_now, credits_now, at, who) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            charge := 'charged';
            RETURN;
        END IF;
        charge := 'refused';
        reason := 'the act ' || act_now || ' was charged under another task';
    ELSIF outcome = 'refused' THEN
        reason := CASE WHEN of_feature NOT IN ('', feature_now)
            THEN 'the task belongs to ' || feature_now || ', not to ' || of_feature
            ELSE 'a ' || state_now || ' task cannot become ' || to_state END;
    ELSIF state_now = 'completed' AND outcome = 'unchanged' THEN
        was_paid := CASE WHEN paid THEN credits_now ELSE 0 END;
        IF coalesce(
            CASE WHEN for_free THEN 0 END, CASE WHEN for_free IS NULL AND asked = credits_now THEN was_paid END,
            asked, was_paid) <> was_paid THEN
            charge := 'refused';
            reason := 'completed already with ' || was_paid || ' credits; charged once';
        ELSIF paid THEN
            charge := 'kept';
        END IF;
    END IF;
    IF reason IS NOT NULL THEN
        INSERT INTO task_refusals (task_id, kind, from_state, to_state, credits, reason, refused_by, refused_at)
        VALUES (saved_task, CASE WHEN outcome = 'refused' THEN 'transition' ELSE 'charge' END, state_now, to_state,
            coalesce(asked, credits_now), reason, who, at);
    END IF;
END $$;
