-- Charges a completion once, and keeps what was refused. Called by save_task after the task's row is written.
--
-- p_task … p_act say what the row holds now, p_outcome what the save did; p_to_state, p_to_feature, p_asked and p_for_free
-- are what the save asked for.
--
--   charge 'charged'  a completion with credits, charged by this save
--          'kept'     completed and charged before, this save asks for nothing else
--          'refused'  the act was charged under another task, or the save asks for other credits than were charged
--          'none'     nothing to charge
--
-- A refused move or charge is added to task_refusals with its reason, which is returned as well.
CREATE FUNCTION charge_task(
    p_task text, p_feature text, p_state text, p_credits bigint, p_free boolean, p_act text, p_outcome text,
    p_to_state text, p_to_feature text, p_asked bigint, p_for_free boolean, p_at timestamptz, p_by text,
    OUT charge text, OUT reason text
) LANGUAGE plpgsql AS $$
DECLARE
    v_paid boolean := p_state = 'completed' AND NOT p_free AND p_credits > 0;
    v_was_paid bigint;
BEGIN
    charge := 'none';
    IF v_paid AND p_outcome IN ('created', 'updated') THEN
        INSERT INTO task_charges (charged_act, task_id, feature, credits, charged_at, charged_by)
        VALUES (p_act, p_task, p_feature, p_credits, p_at, p_by) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            charge := 'charged';
            RETURN;
        END IF;
        charge := 'refused';
        reason := 'the act ' || p_act || ' was charged under another task';
    ELSIF p_outcome = 'refused' THEN
        reason := CASE WHEN p_to_feature NOT IN ('', p_feature)
            THEN 'the task belongs to ' || p_feature || ', not to ' || p_to_feature
            ELSE 'a ' || p_state || ' task cannot become ' || p_to_state END;
    ELSIF p_state = 'completed' AND p_outcome = 'unchanged' THEN
        v_was_paid := CASE WHEN v_paid THEN p_credits ELSE 0 END;
        IF coalesce(
            CASE WHEN p_for_free THEN 0 END, CASE WHEN p_for_free IS NULL AND p_asked = p_credits THEN v_was_paid END,
            p_asked, v_was_paid) <> v_was_paid THEN
            charge := 'refused';
            reason := 'completed already with ' || v_was_paid || ' credits; charged once';
        ELSIF v_paid THEN
            charge := 'kept';
        END IF;
    END IF;
    IF reason IS NOT NULL THEN
        INSERT INTO task_refusals (task_id, kind, from_state, to_state, credits, reason, refused_by, refused_at)
        VALUES (p_task, CASE WHEN p_outcome = 'refused' THEN 'transition' ELSE 'charge' END, p_state, p_to_state,
            coalesce(p_asked, p_credits), reason, p_by, p_at);
    END IF;
END $$;
