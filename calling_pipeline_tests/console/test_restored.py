"""After a restore: Today says that everything is held back, and an admin says how calls and messages go on."""

import datetime as dt

import pytest

from calling_pipeline import days
from calling_pipeline.backups import going_on
from calling_pipeline.outgoing import holding

LIST = "电话\n13800000001\n138 0000 0002\n"


@pytest.fixture
def restored(console):
    with console.runtime.transaction() as connection:
        going_on.hold_everything(connection, days.now() - dt.timedelta(hours=1), by="ann")


def holds(console):
    with console.runtime.transaction() as connection:
        return {one.act for one in holding.holds(connection)}


def test_today_shows_the_hold_and_leads_an_admin_to_the_decision(restored, as_role):
    page = as_role("admin").get("/").text
    assert 'data-testid="restored"' in page
    assert 'href="/restored"' in page
    page = as_role("viewer").get("/").text
    assert 'data-testid="restored"' in page
    assert 'href="/restored"' not in page.replace('href="/alerts', "")


def test_without_a_restore_there_is_nothing_to_decide(console, as_role):
    assert 'data-testid="restored"' not in as_role("admin").get("/").text
    assert 'data-testid="empty"' in as_role("admin").get("/restored").text
    refused = as_role("admin").post("/restored/calls", data={"known": "nobody", "reason": "it stood still"})
    assert refused.status_code == 409


def test_a_list_lets_calls_go_on_and_its_numbers_count_as_called(restored, console, as_role):
    form = {"known": "list", "numbers": LIST, "reason": "<script>the gateway's list</script>"}
    assert as_role("admin").post("/restored/calls", data={**form, "reason": ""}).status_code == 422
    assert as_role("admin").post("/restored/calls", data={**form, "numbers": ""}).status_code == 422
    unread = as_role("admin").post("/restored/calls", data={**form, "numbers": LIST + "no number\n"})
    assert unread.status_code == 422
    assert "第 4 行" in unread.text
    assert holds(console) == {"batches", "clicks", "messages", "mails"}
    assert as_role("admin").post("/restored/calls", data=form).status_code == 303
    assert holds(console) == {"messages", "mails"}
    with console.runtime.transaction() as connection:
        called = connection.exec_driver_sql("SELECT count(*) FROM call_history").scalar_one()
        attempts = connection.exec_driver_sql("SELECT count(*) FROM contact_attempts").scalar_one()
    assert (called, attempts) == (2, 2)
    assert "&lt;script&gt;the gateway" in as_role("admin").get("/audit").text


def test_messages_go_on_apart_and_the_alert_closes_with_the_last_decision(restored, console, as_role):
    assert as_role("admin").post("/restored/messages", data={"known": "maybe", "reason": "an hour"}).status_code == 303
    assert holds(console) == {"batches", "clicks"}
    assert "restored" in open_kinds(console)
    assert as_role("admin").post("/restored/calls", data={"known": "nobody", "reason": "it stood still"}).status_code == 303
    assert holds(console) == set()
    assert "restored" not in open_kinds(console)


def open_kinds(console):
    with console.runtime.transaction() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM alert_conditions WHERE failing")
        return set(rows.scalars())
