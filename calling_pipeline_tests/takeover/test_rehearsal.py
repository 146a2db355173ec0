"""A night's takeover rehearsed: an old MySQL with dirty spellings and half-done batches, a shadow day, the switch.

`CALLING_TEST_MYSQL_URL` names a MySQL or MariaDB whose account may make databases; without it SQLite holds the same.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import signal
import sys

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.dependencies import plan_rules
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.runtime import Runtime
from calling_pipeline.takeover.comparison.comparing import compare
from calling_pipeline.takeover.running import take_over
from calling_pipeline_tests.support import NIGHTLY, start_process, wait_until
from calling_pipeline_tests.takeover import old_system
from calling_pipeline_tests.takeover.old_system import phone

HISTORY = int(os.environ.get("CALLING_TEST_HISTORY", "300000"))
NEW = [phone(70_000_000 + n) for n in range(500)]
NEVER_BEGUN = [phone(60_000_000 + n) for n in range(100)]
MAY_HAVE_BEEN = [phone(50_000_000 + n) for n in range(100)]


@pytest.fixture
def old(tmp_path):
    url = os.environ.get("CALLING_TEST_MYSQL_URL")
    if url is None:
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS takeover_rehearsal")
        connection.exec_driver_sql("CREATE DATABASE takeover_rehearsal CHARACTER SET utf8mb4")
    yield server.url.set(database="takeover_rehearsal").render_as_string(hide_password=False)
    server.dispose()


def content():
    found = old_system.tables(HISTORY)
    again = [{**row, "mobile_phone": f"{phone(n)[:3]}-{phone(n)[3:]}", "updated_time": old_system.T0 + dt.timedelta(days=1)}
             for n, row in enumerate(found["call_history"][:HISTORY]) if n % 50 == 7]  # fmt: skip
    found["call_history"] += again
    rows = [("b1", number, "pushing" if n < 5 else "pending") for n, number in enumerate(MAY_HAVE_BEEN)]
    rows += [("b2", number, "pending") for number in NEVER_BEGUN]
    found["call_tasks"] = [
        {"id": n, "batch_id": batch, "mobile_phone": number, "status": status, "updated_time": old_system.T0}
        for n, (batch, number, status) in enumerate(rows)
    ]
    return found


@pytest.mark.skipif(not NIGHTLY, reason="a night's takeover, at size")
def test_a_night_from_the_dry_run_to_the_first_batch_calls_nobody_whom_the_old_system_called(desk, old, tmp_path):
    old_system.in_database(old, content())
    runtime = Runtime(desk.settings, engine=desk.engine)
    dry = take_over(runtime, old, dry_run=True, by="ann")
    _killed(desk, old)
    real, again = take_over(runtime, old, by="ann"), take_over(runtime, old, by="ann")
    assert [part.difference for part in (*dry.parts, *real.parts)] == [0] * 18
    assert (real.taken, again.taken) == (dry.taken, 0)
    files = tmp_path / "files"
    files.mkdir()
    old_system.contracts_in(files)
    assert take_over(runtime, str(files), by="ann").parts[7].taken == 5

    shadowed = dataclasses.replace(desk, settings=desk.settings.model_copy(update={"shadow": True}))
    called = [phone(n) for n in range(0, HISTORY, max(1, HISTORY // 1000))]
    desk.work_orders([*called, *MAY_HAVE_BEEN, *NEVER_BEGUN, *NEW])
    desk.task()
    planned = runs.plan_task(desk.engine, "new orders", rules=plan_rules(shadowed.settings))
    assert planned.card.to_call == len(NEVER_BEGUN) + len(NEW)
    _calls_today(old, NEW[:400])
    found = compare(runtime, old, days.today(), by="ann")
    assert (found.both, found.only("old"), found.only("new")) == (400, 0, len(NEVER_BEGUN) + 100)
    assert desk.gateway_calls() == []

    assert take_over(runtime, old, by="ann").taken == 400, "the last takeover has what was called since"
    desk.run()
    reached = sorted(call["phone"] for call in desk.gateway_calls())
    assert reached == sorted([*NEVER_BEGUN, *NEW[400:]])


def _killed(desk, old):
    """A takeover by a process of its own, killed when it has begun to take parts."""
    url = desk.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    script = (
        "import sys; from calling_pipeline.runtime import Runtime; from calling_pipeline.settings import load\n"
        "from calling_pipeline.takeover.running import take_over\n"
        "take_over(Runtime(load(database_url=sys.argv[1], home=sys.argv[3])), sys.argv[2], by='ann')"
    )
    process = start_process([sys.executable, "-c", script, url, old, str(desk.settings.home)])
    wait_until(lambda: desk.one("SELECT count(*) FROM takeover_parts WHERE state = 'done'") >= 13)  # 9 of the dry run
    process.send_signal(signal.SIGKILL)
    if process.wait() == -signal.SIGKILL:
        assert desk.one("SELECT state FROM takeovers ORDER BY id DESC LIMIT 1") == "running"


def _calls_today(old, numbers):
    engine = sa.create_engine(old)
    at = days.now().astimezone(days.SHANGHAI).replace(tzinfo=None, microsecond=0)
    insert = sa.text("INSERT INTO call_history (mobile_phone, updated_time) VALUES (:phone, :at)")
    with engine.begin() as connection:
        connection.execute(insert, [{"phone": f"+86{number}", "at": at} for number in numbers])
    engine.dispose()
