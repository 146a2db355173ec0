"""The contact policy and the lists of the task ledger over HTTP: by roles, numbers masked and in no address."""

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails

ROOT = "/api/v1/policy"
PHONE = "13812345678"


def data(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_a_number_is_put_on_the_list_found_refused_and_taken_off_with_its_history(viewer, operator, api_runtime):
    wanted = {"phone": "138 1234 5678", "source": "complaint", "note": "asked for it"}
    assert viewer.post(f"{ROOT}/do-not-call", json=wanted).status_code == 403
    assert [data(operator.post(f"{ROOT}/do-not-call", json=wanted))["changed"] for _ in range(2)] == [True, False]
    listed = viewer.get(f"{ROOT}/do-not-call")
    assert PHONE not in listed.text
    assert [(one["phone"], one["source"]) for one in data(listed)["entries"]] == [("138****5678", "complaint")]
    assert data(listed)["sources"] == [{"source": "complaint", "entries": 1, "expired": 0}]
    asked = {"phone": PHONE, "policy": {"preset": "list_only"}}
    verdict = data(viewer.post(f"{ROOT}/check", json=asked))
    assert (verdict["allowed"], verdict["rule"]) == (False, "do_not_call")
    ended = data(operator.post(f"{ROOT}/do-not-call/remove", json={"phone": PHONE, "reason": "a mistake"}))
    assert ended == {"phone": "138****5678", "removed": 1}
    assert data(viewer.post(f"{ROOT}/check", json=asked))["allowed"]
    assert operator.post(f"{ROOT}/do-not-call/remove", json={"phone": PHONE}).status_code == 404
    entry, *_ = data(viewer.post(f"{ROOT}/do-not-call/history", json={"phone": PHONE}))
    assert (entry["ended_by"][:8], entry["ended_why"]) == ("operator", "a mistake")
    with api_runtime.transaction() as connection:
        acts = connection.execute(sa.text("SELECT act, door FROM audit_log ORDER BY id")).all()
    assert [tuple(act) for act in acts] == [("do_not_call.add", "api"), ("do_not_call.remove", "api")]


def test_a_list_is_imported_from_a_csv_in_either_encoding(viewer, operator):
    for source, encoding in (("a", "utf-8-sig"), ("b", "gb18030")):
        content = f"手机号,备注\n{PHONE},投诉\n13900000000,\nnonsense,\n".encode(encoding)
        where, headers = f"{ROOT}/do-not-call/import", {"Content-Type": "text/csv"}
        assert viewer.post(where, params={"source": source}, content=content, headers=headers).status_code == 403
        done = data(operator.post(where, params={"source": source}, content=content, headers=headers))
        assert (done["lines"], done["new"], done["rejected"]) == (3, 2, 1)
    assert len(data(viewer.get(f"{ROOT}/do-not-call", params={"source": "b"}))["entries"]) == 2


def test_holidays_are_declared_listed_and_withdrawn(viewer, operator):
    wanted = {"day": "2027-01-01", "name": "元旦"}
    assert viewer.put(f"{ROOT}/holidays", json=wanted).status_code == 403
    assert data(operator.put(f"{ROOT}/holidays", json=wanted)) == wanted
    assert data(viewer.get(f"{ROOT}/holidays")) == [wanted]
    assert data(operator.delete(f"{ROOT}/holidays/2027-01-01")) == {"day": "2027-01-01"}
    assert operator.delete(f"{ROOT}/holidays/2027-01-01").status_code == 404


def test_what_is_no_number_or_no_policy_is_refused_in_a_sentence(viewer, operator):
    assert operator.post(f"{ROOT}/do-not-call", json={"phone": "nonsense"}).status_code == 422
    answer = viewer.post(f"{ROOT}/check", json={"phone": PHONE, "policy": {"preset": "none"}})
    assert answer.status_code == 422
    assert PHONE not in answer.text


def test_tasks_usage_and_refusals_of_the_ledger_are_listed(api_runtime, viewer):
    with api_runtime.transaction() as connection:
        save_task_details(connection, TaskDetails("a", "export", "completed", credits=3, free=False))
        save_task_details(connection, TaskDetails("b", "export", "pending"))
        save_task_details(connection, TaskDetails("a", "export", "failed"))
    ledger = "/api/v1/ledger"
    assert {task["task_id"] for task in data(viewer.get(f"{ledger}/tasks", params={"feature": "export"}))} == {"a", "b"}
    assert [task["task_id"] for task in data(viewer.get(f"{ledger}/tasks", params={"state": "pending"}))] == ["b"]
    (usage,) = data(viewer.get(f"{ledger}/usage"))
    assert (usage["feature"], usage["completed"], usage["credits"]) == ("export", 1, 3)
    yesterday = days.today() - dt.timedelta(days=1)
    assert data(viewer.get(f"{ledger}/usage", params={"from": yesterday.isoformat(), "to": yesterday.isoformat()})) == []
    wrong = {"from": days.today().isoformat(), "to": yesterday.isoformat()}
    assert viewer.get(f"{ledger}/usage", params=wrong).status_code == 422
    (refusal,) = data(viewer.get(f"{ledger}/refusals", params={"task_id": "a"}))
    assert refusal["to_state"] == "failed"


KEEPS_NO_NOTE = """
    CREATE FUNCTION keeps_no_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no note'; END $$;
    CREATE TRIGGER keeps_no_note BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION keeps_no_note();
"""


def test_an_act_that_cannot_be_noted_in_the_audit_log_changes_nothing(operator, api_runtime):
    def everything():
        with api_runtime.transaction() as connection:
            return [
                connection.exec_driver_sql(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1").scalars().all()
                for table in ("do_not_call", "do_not_call_history", "contact_holidays", "asset_activity", "audit_log")
            ]

    data(operator.post(f"{ROOT}/do-not-call", json={"phone": PHONE, "source": "complaint"}))
    data(operator.put(f"{ROOT}/holidays", json={"day": "2027-01-01", "name": "元旦"}))
    with api_runtime.transaction() as connection:
        connection.exec_driver_sql(KEEPS_NO_NOTE)
    before, later = everything(), f"{days.today() + dt.timedelta(days=60)}"
    other, csv = {"phone": "13900000000", "source": "complaint"}, {"Content-Type": "text/csv"}
    tried = [
        operator.post(f"{ROOT}/do-not-call", json=other),
        operator.post(f"{ROOT}/do-not-call", json={"phone": PHONE, "source": "complaint", "expires": later}),
        operator.post(f"{ROOT}/do-not-call/remove", json={"phone": PHONE, "reason": "a mistake"}),
        operator.post(f"{ROOT}/do-not-call/import", params={"source": "a"}, content=b"phone\n13900000000\n", headers=csv),
        operator.put(f"{ROOT}/holidays", json={"day": "2027-01-02", "name": "holiday"}),
        operator.delete(f"{ROOT}/holidays/2027-01-01"),
    ]
    assert [answer.status_code for answer in tried] == [503] * len(tried)
    assert everything() == before
