"""Another secret key: everything stays readable at each moment, also when the rotation is killed amid it."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from calling_pipeline.backups.key_rotation import rotating
from calling_pipeline.backups.key_rotation.sealed import SEALED
from calling_pipeline.call_batches.calls.archives.store_files import Keys, MonthFile
from calling_pipeline.call_batches.dependencies import archives_of
from calling_pipeline.database.crypto import SecretBox, phone_key_of
from calling_pipeline.errors import ConfigurationError, SecretUnreadable
from calling_pipeline.masking import phone_hash
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.support import LIMIT_S, WAITING, start_process, wait_until

OLD, NEW = "the old key of this test, long enough", "the new key of this test, long enough"
CASES = 40
KNOWN, UNKNOWN = "13800000001", "13900000009"


@pytest.fixture
def before(engine, app_settings):
    """A database whose secrets and hashes are of the old key; the settings of a rotation."""
    box, key = SecretBox(OLD.encode()), phone_key_of(OLD.encode())
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no tenant or extension is needed
        for number in range(CASES):
            phone, reference = f"138{number:08d}", f"ref{number}"
            owner = f"tenant:1:collector_cases:{reference}:phone"
            values = {"reference": reference, "sealed": box.seal(phone, owner=owner), "hash": phone_hash(key, phone)}
            connection.execute(sa.text(ADD_CASE), values)
        sealed = box.seal("a token", owner="vendor credential:wecom")
        connection.execute(sa.text(ADD_TOKEN), {"sealed": sealed})
        connection.exec_driver_sql(
            f"INSERT INTO contact_attempts (phone, room, reference, at) VALUES ('{KNOWN}', 'telephony', 'one', now())"
        )
        for phone in (KNOWN, UNKNOWN):
            connection.execute(sa.text(ADD_CALL), {"reference": phone, "hash": phone_hash(key, phone)})
    return app_settings.model_copy(update={"secret_key": SecretStr(NEW), "secret_key_previous": SecretStr(OLD)})


ADD_CASE = """
    INSERT INTO collector_cases (reference, tenant_id, collector_id, customer_name, phone_sealed, phone_masked, phone_hash,
        note, source, place, created_at, created_by, updated_at)
    VALUES (:reference, 1, 1, '', :sealed, '138****0000', :hash, '', 'typed', 1, now(), 'ann', now())
"""
ADD_TOKEN = "INSERT INTO vendor_credentials VALUES ('wecom', :sealed, 1, now(), now())"
ADD_CALL = """
    INSERT INTO communication_records (reference, tenant_id, config_id, collector_id, extension_id, extension_number, fence,
        destination_masked, destination_hash, started_at, deadline, state, settled_at, closed_at)
    VALUES (:reference, 1, 1, 1, 1, '8001', 1, '138****0000', :hash, now(), now(), 'connected', now(), now())
"""


def archived_row(number):
    moments = {"planned_at": None, "claimed_at": None, "slot": None}
    return {"id": number, "phone": f"1380000000{number}", "day": dt.date(2026, 10, 1), **moments}


def opened(engine, box):
    """Every sealed value of the database, opened; raises when one cannot be."""
    found = []
    with engine.connect() as connection:
        for one in SEALED:
            rows = connection.execute(sa.select(one.table).where(one.table.c[one.column].is_not(None)))
            found += [box.open(bytes(row._mapping[one.column]), owner=one.owner(row)) for row in rows]
    return found


def hashes(engine, statement):
    with engine.connect() as connection:
        return {bytes(one) for one in connection.exec_driver_sql(statement).scalars()}


def test_secrets_and_hashes_go_over_to_the_new_key_and_the_rest_is_named(before, engine):
    runtime, rows = Runtime(before, engine=engine), [archived_row(5), archived_row(6)]
    archives = archives_of(runtime)
    archives.folder.mkdir(parents=True)
    MonthFile(archives.folder / "rows_2026-10.sqlite", Keys(OLD.encode(), phone_key_of(OLD.encode()))).put(1, rows)
    month = archives.file("rows_2026-10.sqlite")
    with pytest.raises(SecretUnreadable):
        month.slice_of(1, 5)
    done = rotating.rotate(runtime, by="ann", chunk=7)
    sealed = {"vendor_credentials.sealed": 1, "collector_cases.phone_sealed": CASES, "archives": 1}
    assert {name: rows for name, rows in done.sealed.items() if rows} == sealed
    assert done.hashes["communication_records"] == 1
    assert (done.unreadable, month.slice_of(1, 5)) == ((), rows)
    new, old = phone_key_of(NEW.encode()), phone_key_of(OLD.encode())
    assert len(opened(engine, SecretBox(NEW.encode()))) == CASES + 1
    assert hashes(engine, "SELECT phone_hash FROM collector_cases") == {
        phone_hash(new, f"138{number:08d}") for number in range(CASES)
    }
    assert hashes(engine, "SELECT destination_hash FROM communication_records") == {
        phone_hash(new, KNOWN),
        phone_hash(old, UNKNOWN),
    }
    again = rotating.rotate(runtime, by="ann")
    assert (sum(again.sealed.values()), sum(again.hashes.values())) == (0, 0)


def test_without_the_key_before_it_says_what_to_set(app_settings, engine):
    with pytest.raises(ConfigurationError, match="CALLING_SECRET_KEY_PREVIOUS to the one before"):
        rotating.rotate(Runtime(app_settings, engine=engine), by="ann")


def test_a_rotation_that_is_killed_loses_nothing_and_goes_on(before, engine):
    """A process is killed between two chunks, while a third waits for a row that somebody holds."""
    both = SecretBox(NEW.encode(), OLD.encode())
    whole = sorted(opened(engine, both))
    program = (
        "import os; from calling_pipeline.backups.key_rotation import rotating; from calling_pipeline.runtime import Runtime"
    )
    program += "; rotating.rotate(Runtime.load(), by='ann', chunk=10)"
    given = {
        "CALLING_DATABASE_URL": before.database_url.get_secret_value(),
        "CALLING_SECRET_KEY": NEW,
        "CALLING_SECRET_KEY_PREVIOUS": OLD,
        "CALLING_HOME": str(before.home),
    }
    with engine.connect() as holder:
        holder.exec_driver_sql("SELECT FROM collector_cases WHERE reference = 'ref25' FOR UPDATE")
        process = start_process([sys.executable, "-c", program], env={**os.environ, **given}, stderr=subprocess.PIPE)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
            wait_until(lambda: watching.exec_driver_sql(WAITING).scalar_one() or process.poll() is not None)
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGKILL)
        process.wait(LIMIT_S)
        process.stderr.close()
    new_only = SecretBox(NEW.encode())
    assert sorted(opened(engine, both)) == whole
    with engine.connect() as connection:
        cases = connection.exec_driver_sql("SELECT reference, phone_sealed FROM collector_cases").all()
    owners = [(f"tenant:1:collector_cases:{row.reference}:phone", bytes(row.phone_sealed)) for row in cases]
    assert sum(new_only.is_current(sealed, owner=owner) for owner, sealed in owners) == 20
    done = rotating.rotate(Runtime(before, engine=engine), by="ann")
    assert done.sealed["collector_cases.phone_sealed"] == CASES - 20
    assert sorted(opened(engine, new_only)) == whole
