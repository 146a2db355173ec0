"""A shadow day compared with the old system, and the way back in the old tables' form."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.people import people
from calling_pipeline.backups import going_on
from calling_pipeline.call_batches.dependencies import plan_rules
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.errors import Forbidden, InvalidInput
from calling_pipeline.runtime import Runtime
from calling_pipeline.takeover.comparison.comparing import compare
from calling_pipeline.takeover.export.exporting import export
from calling_pipeline.takeover.export.loading import LOADED
from calling_pipeline.takeover.running import take_over
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.takeover import old_system


@pytest.fixture
def shadowed(desk):
    return dataclasses.replace(desk, settings=desk.settings.model_copy(update={"shadow": True}))


@pytest.fixture
def runtime(desk):
    return Runtime(desk.settings, engine=desk.engine)


def old_database(tmp_path, called):
    """An old history: (number, when)."""
    rows = [
        {"mobile_phone": f"+86{number}", "staff_name": "员工", "sys_name": "CRM", "order_type": "新装", "order_nums": 1,
         "updated_time": at.astimezone(days.SHANGHAI).replace(tzinfo=None)}
        for number, at in called
    ]  # fmt: skip
    blocked = [{"id": 1, "phone": phone(4), "source": "投诉", "remark": "", "expire_time": ""}]
    return old_system.in_database(f"sqlite:///{tmp_path / 'old.db'}", {"call_history": rows, "blacklist": blocked})


def test_numbers_that_only_one_would_have_called_are_named_with_their_reasons(desk, shadowed, runtime, tmp_path):
    now, before = days.now(), days.now() - dt.timedelta(days=3)
    desk.work_orders([phone(1), phone(2), phone(3), phone(4), phone(5), "12"])
    desk.task()
    desk.work_orders([phone(6)])
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO do_not_call (phone, source, added_at) VALUES ('{phone(6)}', 'test', now())")
    runs.plan_task(desk.engine, "new orders", rules=plan_rules(shadowed.settings))
    old = old_database(tmp_path, [(phone(1), now), (phone(2), before), (phone(6), now), (phone(7), now)])
    found = compare(runtime, old, days.today(), csv_file=tmp_path / "d.csv", by="ann")
    assert (found.old, found.new, found.both, found.batches) == (3, 5, 1, 1)
    assert {(one.only, one.reason): one.numbers for one in found.differences} == {
        ("old", "do_not_call"): 1,
        ("old", "not_in_a_source"): 1,
        ("new", "called_before_by_old"): 1,
        ("new", "on_old_do_not_call"): 1,
        ("new", "not_called_by_old"): 2,
    }
    text = (tmp_path / "d.csv").read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 7
    assert "138****0007" in text
    assert phone(7) not in text + str(found)


def test_whole_numbers_are_for_admins_into_a_private_file_and_noted(desk, runtime, tmp_path):
    old, file = old_database(tmp_path, [(phone(7), days.now())]), tmp_path / "whole.csv"
    with desk.engine.begin() as connection:
        people.add(connection, "vic", role="viewer", by="test")
    with pytest.raises(Forbidden, match="for admins"):
        compare(runtime, old, days.today(), csv_file=file, unmasked=True, by="vic")
    assert not file.exists()
    compare(runtime, old, days.today(), csv_file=file, unmasked=True, by="root (command line)")
    assert phone(7) in file.read_text(encoding="utf-8-sig")
    assert file.stat().st_mode & 0o777 == 0o600
    assert desk.one("SELECT count(*) FROM audit_log WHERE act = 'takeover.compare'") == 1


def test_what_was_done_since_goes_back_into_the_old_tables_and_is_taken_over_from_there_again(desk, runtime, tmp_path):
    old = old_database(tmp_path, [(phone(1), days.now() - dt.timedelta(days=3))])
    take_over(runtime, old, by="ann")
    desk.work_orders([phone(1), phone(2), phone(3)])
    desk.task()
    desk.run()
    done = export(runtime, tmp_path / "back", by="ann")
    with (tmp_path / "back" / "call_history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["mobile_phone"] for row in rows] == [phone(2), phone(3)], "what was called here, and no more"
    assert {"staff_name", "sys_name", "order_type", "order_nums", "updated_time"} <= rows[0].keys()
    assert json.loads((tmp_path / "back" / "counts.json").read_text())["rows"] == done.files
    assert done.files["call_log.csv"] == 2
    load = (tmp_path / "back" / "load.sql").read_text(encoding="utf-8")
    for name, columns in LOADED.items():
        with (tmp_path / "back" / f"{name}.csv").open(encoding="utf-8") as file:
            header = next(csv.reader(file))
        assert set(columns) <= set(header), name
        assert f"({', '.join(f'@{column}' for column in header)})" in load, (
            "a value for each column of the file, in its order"
        )
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "back").iterdir()} == {0o600}
    with pytest.raises(InvalidInput, match="not empty"):
        export(runtime, tmp_path / "back", by="ann")
    later = export(runtime, tmp_path / "later", since=days.now() + dt.timedelta(hours=1), by="ann")
    assert later.files["call_history.csv"] == 0
    again = take_over(runtime, str(tmp_path / "back"), only=["history"], by="ann")
    assert again.parts[0].difference == 0
    with desk.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM call_history")).scalar_one() == 3


def test_what_a_person_named_as_called_after_a_restore_goes_back_too(desk, runtime, tmp_path):
    take_over(runtime, old_database(tmp_path, [(phone(1), days.now() - dt.timedelta(days=3))]), by="ann")
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    desk.run()
    since = days.now() - dt.timedelta(hours=1)
    with desk.engine.begin() as connection:
        import_history(connection, [HistoryRow(phone(5), days.now())], source="another system", by="ann")
        going_on.hold_everything(connection, since, by="ann")
        named = [HistoryRow(phone(1), None), HistoryRow(phone(3), days.now())]
        going_on.go_on_calling(connection, called_since=named, by="ann", reason="the gateway's list")
    export(runtime, tmp_path / "back", since=since, by="ann")
    with (tmp_path / "back" / "call_history.csv").open(encoding="utf-8") as file:
        rows = {row["mobile_phone"]: row["calls"] for row in csv.DictReader(file)}
    assert rows == {phone(n): "1" for n in (1, 2, 3)}, "called here before the backup, or since as the list says"
