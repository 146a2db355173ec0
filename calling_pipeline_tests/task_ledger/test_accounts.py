"""Whose a task is, what each account was charged, and the names that clients of the system before use."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.cli.main import main
from calling_pipeline.database import migrate
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.task_ledger import ledger, store
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline_tests.task_ledger.test_doors import api  # noqa: F401 - a fixture


def save(engine, task_id, state="completed", *, by="robot", **values):
    with engine.begin() as connection:
        return save_task_details(connection, TaskDetails(task_id, "export", state, by=by, **values))


def balance(engine, account):
    with engine.begin() as connection:
        return ledger.balance(connection, account)


def test_a_task_is_its_first_saves_account_or_whoever_saved_it(engine):
    save(engine, "a", "pending", account="zhang")
    save(engine, "a", credits=3)
    save(engine, "b", by="li", credits=2)
    save(engine, "c", "failed", by="li", account="zhang")
    zhang, li = balance(engine, "zhang"), balance(engine, "li")
    assert (zhang.tasks, zhang.completed, zhang.failed, zhang.charges, zhang.credits) == (2, 1, 1, 1, 3)
    assert (li.tasks, li.credits) == (1, 2)
    with engine.begin() as connection:
        assert [one.account for one in store.accounts(connection)] == ["zhang", "li"]
        assert [task.task_id for task in store.tasks(connection, feature=None, state=None, account="li", limit=9)] == ["b"]
        with pytest.raises(NotFound):
            ledger.balance(connection, "nobody")
        with pytest.raises(InvalidInput):
            save_task_details(connection, TaskDetails("d", "export", "pending", account=" "))


def test_tasks_of_one_instant_are_listed_in_one_order_however_they_are_paged(engine):
    noon = dt.datetime(2026, 11, 20, 12, tzinfo=days.SHANGHAI)
    for minute, names in ((0, "bdac"), (1, "e")):
        with days.frozen(noon + dt.timedelta(minutes=minute)):
            for name in names:
                save(engine, name, "pending")

    def listed(order, at_once):
        with engine.begin() as connection:
            given = {"feature": None, "state": None, "order": order, "limit": at_once}
            pages = [store.tasks(connection, **given, offset=first) for first in range(0, 5, at_once)]
        return "".join(task.task_id for page in pages for task in page)

    for at_once in (2, 9):
        assert [listed(order, at_once) for order in ("newest", "oldest", "id", "id_down")] == [
            "eabcd",
            "dcbae",
            "abcde",
            "edcba",
        ]


@pytest.mark.parametrize("first", [{"account": "zhang"}, {"by": "zhang"}])
def test_a_save_for_another_account_is_refused_and_kept(engine, first):
    save(engine, "a", "pending", **first)
    refused = save(engine, "a", by="zhang", credits=3, account="li")
    assert (refused.outcome, refused.reason) == ("refused", "the task belongs to the account zhang, not to li")
    assert save(engine, "a", by="li", credits=3).charge == "charged"
    assert balance(engine, "zhang").credits == 3
    with engine.begin() as connection:
        assert [one.kind for one in store.refusals(connection, task_id="a")] == ["transition"]


def test_an_act_is_charged_once_whichever_accounts_race_for_it(engine):
    def complete(n):
        return save(engine, f"task {n}", credits=5, free=False, charge_key="one act", account=f"account {n % 4}").charge

    with ThreadPoolExecutor(8) as pool:
        charges = list(pool.map(complete, range(16)))
    assert sorted(charges) == ["charged"] + ["refused"] * 15
    with engine.begin() as connection:
        assert sum(one.credits for one in store.accounts(connection)) == 5


def test_one_task_is_charged_to_one_account_however_many_race_for_it(engine):
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda n: save(engine, "one", credits=5, free=False, account=f"account {n}"), range(8)))
    assert sorted(one.charge for one in saved) == ["charged"] + ["none"] * 7
    assert [one.outcome for one in saved].count("refused") == 7
    with engine.begin() as connection:
        assert [(one.tasks, one.credits) for one in store.accounts(connection)] == [(1, 5)]


def test_tasks_of_the_version_before_belong_to_whoever_made_them_and_its_saves_go_on(engine):
    migrate.downgrade(engine, "0046_measures")
    old = sa.text("SELECT * FROM save_task('a', 'x', 'completed', 3, false, NULL, '{}', now(), 'zhang')")
    with engine.begin() as connection:
        connection.execute(old)
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT * FROM save_task('b', 'x', 'completed', 4, false, NULL, '{}', now(), 'zhang')"))
    assert (balance(engine, "zhang").tasks, balance(engine, "zhang").credits) == (2, 7)


def test_clients_of_the_system_before_say_task_id_and_status(api):  # noqa: F811 - the fixture
    first = api.post("/api/tasks", json={"taskId": 7, "status": "pending", "feature": "export", "account": "zhang"})
    assert first.json()["data"]["task_id"] == "7"
    done = api.post("/api/tasks/7", json={"taskId": "7", "status": "completed", "state": "completed", "credits": 3})
    assert done.json()["data"]["charge"] == "charged"
    for body in ({"taskId": 8, "status": "pending"}, {"status": "pending", "state": "failed"}, {"account": "zhang"}):
        assert api.post("/api/tasks/7", json=body).status_code == 422, body
    assert api.post("/api/tasks", json={"status": "pending"}).status_code == 422
    assert api.post("/api/tasks/7", json={"status": "completed", "account": "li"}).status_code == 409
    shown = api.get("/api/v1/ledger/accounts/zhang").json()["data"]
    assert (shown["account"], shown["tasks"], shown["credits"]) == ("zhang", 1, 3)
    assert [one["account"] for one in api.get("/api/v1/ledger/accounts").json()["data"]] == ["zhang"]
    assert api.get("/api/v1/ledger/accounts/nobody").status_code == 404
    assert api.get("/api/v1/ledger/tasks", params={"account": "zhang"}).json()["data"][0]["account"] == "zhang"


def test_the_command_shows_accounts(engine, monkeypatch):
    save(engine, "a", credits=3, account="zhang")
    monkeypatch.setenv("CALLING_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("CALLING_SECRET_KEY", "a key for tests that is long enough")
    answer = CliRunner().invoke(main, ["ledger", "accounts", "--account", "zhang", "--json"])
    assert json.loads(answer.stdout)[0]["credits"] == 3
    assert "zhang" in CliRunner().invoke(main, ["ledger", "list", "--account", "zhang"]).stdout


def test_accounts_of_some_days_have_the_tasks_made_and_the_credits_charged_on_them(engine):
    save(engine, "old", "pending", account="zhang")
    save(engine, "new", account="zhang", credits=2)
    save(engine, "other", account="li", credits=9)
    with engine.begin() as connection:
        day = sa.text("SELECT date_trunc('day', now(), 'Asia/Shanghai')")
        today = connection.execute(day).scalar_one()
        before = today - dt.timedelta(days=40)
        connection.execute(
            sa.text("UPDATE task_ledger SET created_at = :at WHERE task_id IN ('old', 'other')"), {"at": before}
        )
        connection.execute(sa.text("UPDATE task_charges SET charged_at = :at WHERE task_id = 'other'"), {"at": before})
    save(engine, "old", credits=5)
    tomorrow = today + dt.timedelta(days=1)
    with engine.begin() as connection:
        (zhang,) = store.accounts_between(connection, today, tomorrow)
        assert (zhang.account, zhang.tasks, zhang.completed, zhang.charges, zhang.credits) == ("zhang", 1, 1, 2, 7)
        assert [one.account for one in store.accounts_between(connection, before, today)] == ["li", "zhang"]
        assert store.accounts_between(connection, before, tomorrow) == store.accounts(connection)
        assert [one.account for one in store.accounts_between(connection, before, tomorrow, account="li")] == ["li"]
        assert store.accounts_between(connection, tomorrow, tomorrow + dt.timedelta(days=9)) == []
