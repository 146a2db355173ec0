"""A backup under load, restored elsewhere: what was promised still holds, and nobody is called twice."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from pydantic import SecretStr

from calling_pipeline import days
from calling_pipeline.backups import going_on
from calling_pipeline.backups.making import MANIFEST, make_backup
from calling_pipeline.backups.restoring import restore
from calling_pipeline.backups.verifying import read_manifest, verify
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.cli.main import main
from calling_pipeline.contact_policy.tables import contact_attempts
from calling_pipeline.database.engine import make_engine
from calling_pipeline.errors import Busy, CallingError, ConfigurationError, Conflict
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.conftest import temporary_database
from calling_pipeline_tests.databases import make_or_drop
from calling_pipeline_tests.support import LIMIT_S

KEY = "a key for tests that is long enough"
PASSPHRASE = "a passphrase for backups"
ROWS = 60


def settings_of(url: sa.URL, home: Path, **more):
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    given = {"secret_key": KEY, "backup_passphrase": PASSPHRASE, "dagster_database_url": _beside(url), **more}
    return load(home=home, database_url=address, **given)


def _beside(url: sa.URL) -> str:
    """Dagster's database of a test: none is there unless the test makes it."""
    return url.set(drivername="postgresql", database=f"{url.database}_dagster").render_as_string(hide_password=False)


@pytest.fixture
def admin(server_url):
    """The server, for statements that no transaction may hold."""
    made = make_engine(server_url).execution_options(isolation_level="AUTOCOMMIT")
    yield made
    made.dispose()


def drop_those_like(admin, like):
    with admin.connect() as connection:
        names = connection.execute(sa.text("SELECT datname FROM pg_database WHERE datname LIKE :like"), {"like": like})
        found = names.scalars().all()
    for name in found:
        make_or_drop(admin, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def dagster(server_url, database_url, admin):
    """A small database in Dagster's place."""
    name = f"{database_url.database}_dagster"
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    other = make_engine(server_url.set(database=name))
    with other.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE runs AS SELECT n AS id FROM generate_series(1, 5) AS n")
    other.dispose()
    yield name
    drop_those_like(admin, f"{name}%")


@pytest.fixture
def elsewhere(server_url, admin):
    """An empty database on the server, which whatever takes its place leaves again."""
    for url in temporary_database(server_url, "template0"):
        yield url
        drop_those_like(admin, f"{url.database}\\_%")


def called(desk):
    return sorted(call["phone"] for call in desk.gateway_calls())


def test_after_a_restore_to_an_hour_ago_nobody_is_called_twice(
    engine, database_url, dagster, elsewhere, tmp_path, simulator
):
    """The backup is made while a batch is being pushed, and the rest of it is called before the database is lost."""
    ledger = tmp_path / "contracts.csv"
    ledger.write_text("a ledger\n")
    here = settings_of(database_url, tmp_path / "home", contract_ledgers=[ledger])
    runtime, folder, made = Runtime(here), tmp_path / "backup", []
    desk = make_desk(runtime.engine, here, simulator)
    desk.work_orders([phone(number) for number in range(ROWS)])
    desk.task()
    batch = desk.plan()

    pushed, taken = Counter[str](), threading.Event()
    backing_up = threading.Thread(
        target=lambda: made.append(make_backup(runtime, folder, by="ann", say=lambda said: taken.set()))
    )

    def progress(more):
        pushed["calls"] += more
        if pushed["calls"] >= ROWS // 4 and not taken.is_set():
            backing_up.start()
            assert taken.wait(LIMIT_S), "no snapshot was taken"

    assert runs.push(desk.dependencies(account_rate_per_s=30), batch.id, progress).state == "completed"
    backing_up.join(LIMIT_S)
    runtime.close()
    [manifest] = made
    in_backup = manifest.databases["business"].rows["public.call_history"]
    assert 0 < in_backup < ROWS
    assert (len(called(desk)), manifest.databases["dagster"].rows) == (ROWS, {"public.runs": 5})
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert {oct(one.stat().st_mode & 0o777) for one in folder.rglob("*") if one.is_file()} == {"0o600"}

    there = settings_of(
        elsewhere, tmp_path / "elsewhere", secret_key=None, contract_ledgers=[tmp_path / "new" / ledger.name]
    )
    done = restore(Runtime(there), folder, by="ann")
    assert (done.kept, done.files) == ((), 1)
    assert (tmp_path / "elsewhere" / "secret.key").read_text() == KEY
    assert (tmp_path / "new" / ledger.name).read_text() == "a ledger\n"
    lost = Runtime(there)
    again = dataclasses.replace(desk, engine=lost.engine, settings=pointed(there, desk.settings))
    with pytest.raises(Conflict, match=r"restored from a backup of .* `calling-pipeline go-on calls`"):
        again.push(batch)
    assert len(called(desk)) == ROWS
    rows = [HistoryRow(call["phone"]) for call in desk.gateway_calls()]
    with lost.transaction() as connection:
        assert list(going_on.waiting(connection)) == ["calls", "messages"]
        went = going_on.go_on_calling(connection, called_since=rows, by="ann", reason="the gateway's list")
    assert (went.acts, went.called.read, went.called.reasons) == (("batches", "clicks"), ROWS, {})
    again.push(batch)
    again.run()
    assert len(called(desk)) == ROWS == len(set(called(desk)))
    with lost.transaction() as connection:
        assert connection.execute(sa.select(sa.func.count(contact_attempts.c.phone.distinct()))).scalar_one() == ROWS
    lost.close()


def test_a_number_of_an_earlier_history_that_was_called_since_the_backup_counts_as_called_then(connection):
    long_ago, since = days.now() - dt.timedelta(days=100), days.now()
    earlier = [HistoryRow(f"1380000000{n}", last_called_at=long_ago) for n in range(4)]
    import_history(connection, earlier, source="old system", by="ann")
    going_on.hold_everything(connection, since, by="ann")
    called = [
        HistoryRow("13800000001"),
        HistoryRow("13800000002", last_called_at=since.replace(tzinfo=None) + dt.timedelta(days=2)),
        HistoryRow("13800000003", last_called_at=since),
    ]
    went = going_on.go_on_calling(connection, called_since=called, by="ann", reason="the gateway's list")
    assert went.called.remarks == {"time_missing": 1, "time_ahead": 1}
    for query in (
        "SELECT phone FROM call_history WHERE last_called_at >= :since ORDER BY phone",
        "SELECT phone FROM contact_attempts WHERE at >= :since ORDER BY phone",
    ):
        found = connection.execute(sa.text(query), {"since": since}).scalars().all()
        assert found == ["13800000001", "13800000002", "13800000003"]


def pointed(settings, at):
    """These settings with the vendors of others: the gateway goes on knowing what it was sent."""
    names = ("gateway_url", "gateway_rate_per_s", "gateway_timeout_s", "gateway_event_code", "gateway_target_obj_id")
    return settings.model_copy(update={name: getattr(at, name) for name in names})


@pytest.fixture
def backup_of(engine, database_url, tmp_path):
    """A backup of a small database, and the settings of where it was made."""
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO do_not_call (phone, source, added_at) VALUES ('13800000001', 'list', now())")
    settings = settings_of(database_url, tmp_path / "home")
    runtime = Runtime(settings)
    make_backup(runtime, tmp_path / "backup", by="ann")
    runtime.close()
    engine.dispose()
    return tmp_path / "backup", settings


def test_what_is_there_is_never_overwritten_unasked_and_kept_when_it_is(backup_of, engine, database_url, elsewhere, admin):
    folder, settings = backup_of
    with pytest.raises(Conflict, match="is not empty; with --replace it is kept"):
        restore(Runtime(settings), folder, by="ann")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO do_not_call (phone, source, added_at) VALUES ('13800000002', 'list', now())")
        with pytest.raises(Busy, match=r"1 sessions use the database .*; stop the system"):
            restore(Runtime(settings), folder, by="ann", replace=True)
    engine.dispose()
    [kept] = restore(Runtime(settings), folder, by="ann", replace=True).kept
    assert numbers(engine) == ["13800000001"]
    assert numbers(make_engine(database_url.set(database=kept))) == ["13800000001", "13800000002"]
    make_or_drop(admin, f'DROP DATABASE "{kept}" WITH (FORCE)')


def test_a_restore_that_fails_leaves_what_was_there_and_no_draft(backup_of, engine, database_url):
    folder, settings = backup_of
    manifest = folder / MANIFEST
    manifest.write_text(manifest.read_text().replace('"public.do_not_call": 1', '"public.do_not_call": 2'))
    with pytest.raises(CallingError, match=r"was not restored whole: public\.do_not_call has 1 rows, not 2"):
        restore(Runtime(settings), folder, by="ann", replace=True)
    assert numbers(engine) == ["13800000001"]
    with engine.connect() as connection:
        like = f"SELECT count(*) FROM pg_database WHERE datname LIKE '{database_url.database}\\_%%'"
        assert connection.exec_driver_sql(like).scalar_one() == 0


def test_a_changed_backup_another_key_and_a_newer_schema_are_refused(backup_of, elsewhere, tmp_path):
    folder, _ = backup_of
    there = settings_of(elsewhere, tmp_path / "there", secret_key="another key for tests, long enough")
    with pytest.raises(ConfigurationError, match="another secret key than that of CALLING_SECRET_KEY"):
        restore(Runtime(there), folder, by="ann")
    wrong = there.model_copy(update={"secret_key": None, "backup_passphrase": SecretStr("another passphrase")})
    with pytest.raises(ConfigurationError, match="does not open the key of this backup"):
        restore(Runtime(wrong), folder, by="ann")
    manifest = folder / MANIFEST
    known = manifest.read_text()
    manifest.write_text(known.replace(read_manifest(folder).revision, "9999_future"))
    with pytest.raises(ConfigurationError, match=r"9999_future.* newer than this program"):
        restore(Runtime(there), folder, by="ann")
    manifest.write_text(known)
    with (folder / "business.dump").open("ab") as dump:
        dump.write(b"x")
    with pytest.raises(Conflict, match=r"was changed: business\.dump"):
        verify(folder, read_manifest(folder))


def test_the_commands_make_verify_and_go_on(backup_of, monkeypatch, tmp_path):
    _, settings = backup_of
    dagster = settings.dagster_database_url.get_secret_value()
    given = {
        "DAGSTER_DATABASE_URL": dagster,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "SECRET_KEY": KEY,
        "HOME": str(settings.home),
    }
    for name, value in given.items():
        monkeypatch.setenv(f"CALLING_{name}", value)
    run = CliRunner().invoke
    refused = run(main, ["backup", str(tmp_path / "second")])
    assert (refused.exit_code, "set CALLING_BACKUP_PASSPHRASE" in refused.output) == (1, True)
    made = run(main, ["backup", str(tmp_path / "second"), "--without-key"])
    assert (made.exit_code, "it holds no secret key" in made.stdout) == (0, True)
    assert run(main, ["restore", str(tmp_path / "second"), "--verify"]).exit_code == 0
    assert "is not empty" in run(main, ["backup", str(tmp_path / "second"), "--without-key"]).output
    nothing = run(main, ["go-on", "calls", "--nobody-was-called", "--reason", "it stood still"])
    assert (nothing.exit_code, "no restore holds calls back" in nothing.output) == (1, True)


def numbers(engine):
    with engine.connect() as connection:
        found = list(connection.exec_driver_sql("SELECT phone FROM do_not_call ORDER BY phone").scalars())
    engine.dispose()
    return found
