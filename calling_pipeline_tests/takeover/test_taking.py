"""Taking an old system over: every row accounted for, nobody to be called who may have been, nothing twice, nothing sent."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.cli.main import main
from calling_pipeline.errors import Busy, InvalidInput
from calling_pipeline.takeover.running import take_over
from calling_pipeline_tests.notifications.world import notification_runtime
from calling_pipeline_tests.support import http
from calling_pipeline_tests.takeover import old_system
from calling_pipeline_tests.takeover.old_system import SECRET, phone


@pytest.fixture
def runtime(app_settings, simulator):
    http.delete(simulator.url + "/gateway/_sim/calls").raise_for_status()
    made = notification_runtime(app_settings, simulator)
    yield made
    made.close()


@pytest.fixture(params=["database", "folder"])
def source(request, tmp_path):
    if request.param == "folder":
        (tmp_path / "old").mkdir()
        return str(old_system.in_folder(tmp_path / "old"))
    return old_system.in_database(f"sqlite:///{tmp_path / 'old.db'}")


def by_part(done):
    return {part.part: part for part in done.parts}


def counts_of(engine):
    tables = ("call_history", "extension_pool", "collectors", "do_not_call", "daily_history", "task_ledger", "task_charges",
              "contract_messages", "technician_messages", "communication_records", "infinity_configs")  # fmt: skip
    with engine.connect() as connection:
        return {name: connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}


def test_every_row_of_every_part_is_accounted_for_and_the_second_time_nothing_is_taken(runtime, engine, simulator, source):
    first = take_over(runtime, source, by="ann")
    parts = by_part(first)
    assert [part.difference for part in first.parts] == [0] * 9
    history = parts["history"]
    assert (history.rows_read, history.taken) == (29, 23)
    assert history.reasons == {"blank": 1, "not_a_number": 1, "repeated": 1, "batch_not_begun": 2, "not_called": 1}
    assert history.found["may_have_been_called"]["count"] == 2
    assert history.found["called_at_different_times"]["count"] == 1
    assert "139****0001" in history.found["called_at_different_times"]["examples"][0]
    assert parts["statistics"].reasons == {"does_not_add_up": 1}
    assert (parts["tasks"].taken, parts["tasks"].reasons) == (2, {"repeated": 1, "details_not_readable": 1})
    assert parts["tasks"].found["task_completed_and_pending"]["count"] == 1
    assert parts["extensions"].found["extension_in_two_tenants"]["count"] == 1
    assert parts["extensions"].reasons == {"no_configuration": 1}
    assert parts["do_not_call"].reasons == {"repeated": 1, "expired": 1}
    before = counts_of(engine)
    second = take_over(runtime, source, by="ann")
    assert [part.taken for part in second.parts] == [0] * 9
    assert {part.part: part.already_there for part in second.parts} == {part.part: part.taken for part in first.parts}
    assert counts_of(engine) == before
    assert simulator.get("/gateway/_sim/calls") == []
    assert simulator.get("/wecom/_sim/messages") == []
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM call_batches")).scalar_one() == 0


def test_what_may_have_been_called_counts_as_called_and_what_was_not_stays_to_be_called(runtime, engine, source):
    take_over(runtime, source, by="ann", only=["history"])
    with engine.connect() as connection:
        known = set(connection.execute(sa.text("SELECT phone FROM call_history WHERE phone > '139005'")).scalars())
    assert known == {phone(500_000), phone(500_001), phone(500_002)}, "pushed, pushing, pending in a batch that was begun"


def test_secrets_are_encrypted_and_in_no_report(runtime, engine, source):
    report = take_over(runtime, source, by="ann", only=["configurations"])
    assert SECRET not in str(report)
    with engine.connect() as connection:
        stored = str(connection.execute(sa.text("SELECT row_to_json(c)::text FROM infinity_configs c")).all())
        audit = str(connection.execute(sa.text("SELECT row_to_json(a)::text FROM audit_log a")).all())
    assert SECRET not in stored + audit
    assert "infinity.example" in stored


def test_contracts_of_which_old_records_disagree_are_held_and_the_others_delivered_or_left(runtime, engine, tmp_path):
    old_system.contracts_in(tmp_path)
    content = [
        {
            "id": 1,
            "task_type": "send_wecom_message",
            "status": "processing",
            "metadata": json.dumps({"contract_id": "id-3"}),
        },
        {"id": 2, "task_type": "send_wecom_message", "status": "completed", "metadata": json.dumps({"contract_id": "id-1"})},
        {"id": 3, "task_type": "send_wecom_message", "status": "pending", "metadata": json.dumps({"contract_id": "id-1"})},
        {"id": 4, "task_type": "send_wecom_message", "status": "pending", "metadata": None},
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(content), encoding="utf-8")
    part = by_part(take_over(runtime, str(tmp_path), by="ann"))["messages"]
    assert (part.rows_read, part.taken) == (8, 6)
    assert part.reasons == {"no_such_contract": 1, "no_contract": 1}
    assert part.found["task_completed_and_pending"]["examples"] == ["id-1"]
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT metadata->>'contract_id', state FROM contract_messages ORDER BY 1"))
        assert [tuple(row) for row in rows] == [
            ("id-1", "delivered"), ("id-2", "unknown"), ("id-3", "unknown"), ("id-4", "unknown"),
        ]  # fmt: skip


def test_a_source_without_messages_leaves_our_ledgers_to_the_one_that_has_statements(
    app_settings, simulator, engine, tmp_path
):
    (tmp_path / "here").mkdir()
    (tmp_path / "old").mkdir()
    old_system.contracts_in(tmp_path / "here")
    old_system.contracts_in(tmp_path / "old")
    made = notification_runtime(app_settings, simulator, contract_ledgers=[tmp_path / "here" / "contracts-2026-11.csv"])
    database = old_system.in_database(
        f"sqlite:///{tmp_path / 'old.db'}", {"call_history": old_system.tables()["call_history"]}
    )
    assert by_part(take_over(made, database, by="ann"))["messages"].rows_read == 0
    take_over(made, str(tmp_path / "old"), by="ann")
    with engine.connect() as connection:
        states = connection.execute(sa.text("SELECT state FROM contract_messages WHERE metadata->>'contract_id' = 'id-4'"))
        assert set(states.scalars()) == {"unknown"}, "the ledger says Y, send_status says that it was not sent"
    made.close()


def test_the_command_takes_over_and_shows_it_and_refuses_what_is_no_source(runtime, engine, source, monkeypatch):
    for name in ("home", "database_url", "secret_key"):
        value = getattr(runtime.settings, name)
        monkeypatch.setenv(f"CALLING_{name.upper()}", str(getattr(value, "get_secret_value", lambda v=value: v)()))

    def asked(*arguments):
        done = CliRunner().invoke(main, ["takeover", *arguments], catch_exceptions=False)
        return done.exit_code, done.output

    code, said = asked("--only", "do_not_call", source, "--json")
    assert (code, json.loads(said)["taken"]) == (0, 1)
    assert phone(900_001) not in said
    assert "another row says the same number" in asked("show", "1")[1]
    assert asked("list")[0] == asked("mapping")[0] == 0
    for wrong in ("/nowhere/at/all", "oracle://u:secret-word@h/d", f"sqlite:///{engine.url.database}"):
        code, said = asked(wrong)
        assert (code, said.startswith("Error: "), "secret-word" in said) == (1, True, False)


def test_a_source_with_a_password_stands_on_no_command_line(runtime, source, tmp_path, monkeypatch):
    """The URL of the old system was an argument, which everybody on the machine reads in the list of processes."""
    for name in ("home", "database_url", "secret_key"):
        value = getattr(runtime.settings, name)
        monkeypatch.setenv(f"CALLING_{name.upper()}", str(getattr(value, "get_secret_value", lambda v=value: v)()))

    def asked(*arguments):
        done = CliRunner().invoke(main, ["takeover", *arguments], catch_exceptions=False)
        return done.exit_code, done.output

    file = tmp_path / "old-system"
    file.write_text(f"{source}\n")
    dry = ("--only", "do_not_call", "--dry-run", "--json")
    code, said = asked("--source-file", str(file), *dry)
    assert (code, json.loads(said)["taken"]) == (0, 1)
    code, said = asked(*dry)
    assert (code, "no SOURCE is named" in said) == (1, True)
    monkeypatch.setenv("CALLING_TAKEOVER_SOURCE_FILE", str(file))
    assert asked(*dry)[0] == 0
    assert asked("compare", "--day", "2026-11-05")[0] == 0
    assert asked(source, "--source-file", str(file), *dry)[0] == 1
    monkeypatch.delenv("CALLING_TAKEOVER_SOURCE_FILE")
    file.write_text("\n")
    assert "is empty" in asked("--source-file", str(file), *dry)[1]
    assert "cannot be read" in asked("--source-file", str(tmp_path / "none"), *dry)[1]
    for wrong in ("oracle://u:secret-word@h/d", "mysql:/u:secret-word@h/d", "postgresql://u:secret-word@127.0.0.1:1/d"):
        file.write_text(wrong)
        code, said = asked("--source-file", str(file))
        assert (code, said.startswith("Error: "), "secret-word" in said) == (1, True, False)


def test_a_dry_run_reports_the_same_and_leaves_nothing_but_its_report(runtime, engine, source):
    before = counts_of(engine)
    dry = take_over(runtime, source, dry_run=True, by="ann")
    assert counts_of(engine) == before
    real = take_over(runtime, source, by="ann")
    said = [
        [(p.part, p.rows_read, p.taken, p.already_there, p.reasons, p.found) for p in done.parts] for done in (dry, real)
    ]
    assert said[0] == said[1]
    assert (dry.dry_run, real.dry_run) == (True, False)


def test_a_takeover_that_broke_off_goes_on_where_it_was_and_its_report_is_whole(runtime, engine, tmp_path):
    lines = [f"{phone(n)},投诉" for n in range(2500)]
    file = tmp_path / "blacklist.csv"
    file.write_text("\n".join(["phone,source", *lines, '"not closed,投诉']), encoding="utf-8")
    with pytest.raises(InvalidInput, match="line"):
        take_over(runtime, str(tmp_path), by="ann", only=["do_not_call"])
    assert counts_of(engine)["do_not_call"] == 2000, "what was committed stays"
    file.write_text("\n".join(["phone,source", *lines, f"{phone(2500)},投诉"]), encoding="utf-8")
    done = take_over(runtime, str(tmp_path), by="ann", only=["do_not_call"])
    assert (done.id, done.state) == (1, "done"), "the same takeover goes on"
    [part] = done.parts
    assert (part.rows_read, part.taken, part.already_there, part.difference) == (2501, 2501, 0, 0)


def test_only_one_process_takes_over_at_a_time(runtime, source):
    lock = SessionLock(runtime.database_url, "takeover")
    assert lock.take()
    with pytest.raises(Busy, match="another process"):
        take_over(runtime, source, by="ann")
    lock.free()
