"""A database whose call records hashed phones as the vendor wrote them becomes joinable with the other rooms."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.call_stats.older_hashes.forward import TASK_ID, bring_forward, older_spellings
from calling_pipeline.cli.main import main
from calling_pipeline.contact_policy import do_not_call, gate
from calling_pipeline.contact_policy.presets import LIST_ONLY
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.database import partitions
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.phones import read_phone
from calling_pipeline.task_ledger.ledger import find
from calling_pipeline_tests.call_stats.conftest import YESTERDAY

KEY = b"key"
DAY = dt.date(2026, 11, 20)
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=days.SHANGHAI)
MOBILE, LAND_LINE, FOREIGN = "13812345678", "+862088886666", "+85291234567"


@pytest.fixture
def add_record(engine):
    """Adds a call record as an older version stored it: hashed and masked in the vendor's spelling."""
    ids = iter(range(1, 1000))

    def add(spelling: str, day: dt.date = DAY) -> int:
        number = next(ids)
        with engine.begin() as connection:
            partitions.make(connection, "call_records", [day])
            connection.execute(
                sa.text(
                    "INSERT INTO call_records"
                    " (id, date, called_at, duration_s, order_yuan, agent_id, phone_masked, phone_hash)"
                    " VALUES (:id, :day, :at, 0, 0, '', :masked, :hash)"
                ),
                {"id": number, "day": day, "at": NOON, "masked": mask_phone(spelling), "hash": phone_hash(KEY, spelling)},
            )
        return number

    return add


def stored(engine):
    """Masked phone and hash by call record."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT id, phone_masked, phone_hash FROM call_records ORDER BY id"))
        return {row.id: (row.phone_masked, bytes(row.phone_hash)) for row in rows}


@pytest.mark.parametrize("phone", [MOBILE, LAND_LINE, "+864008001234", FOREIGN])
def test_the_older_spellings_of_a_number_name_that_number(phone):
    spellings = older_spellings(phone)
    assert len(spellings) == len(set(spellings))
    assert {spelling: read_phone(spelling).phone for spelling in spellings} == dict.fromkeys(spellings, phone)


def test_records_of_numbers_known_in_full_get_their_canonical_hash(engine, add_record):
    with engine.begin() as connection:
        gate.check_and_record(connection, Attempt(MOBILE, "calls", "1", NOON), LIST_ONLY)
        do_not_call.add(connection, LAND_LINE, source="customer")
        do_not_call.add(connection, FOREIGN, source="customer")
    mobiles = [add_record(text) for text in (MOBILE, "8613812345678", "013812345678", "138.1234.5678", "手机:13812345678")]
    land_lines = [add_record("02088886666"), add_record(LAND_LINE)]
    foreign = add_record("0085291234567")
    done = bring_forward(engine, KEY)
    assert (done.rows, done.days) == (6, ())
    after = stored(engine)
    assert {after[number] for number in mobiles} == {("138****5678", phone_hash(KEY, MOBILE))}
    assert {after[number] for number in land_lines} == {("+86****6666", phone_hash(KEY, LAND_LINE))}
    assert after[foreign] == ("+85****4567", phone_hash(KEY, FOREIGN))


def test_days_with_other_older_spellings_are_to_be_read_again_and_a_second_call_changes_nothing(engine, add_record):
    other_days = [DAY + dt.timedelta(days=n) for n in range(1, 6)]
    add_record(MOBILE)
    for spelling, day in zip(("8613812345678", "02088886666", "4008001234", "154" + "0" * 8), other_days, strict=False):
        add_record(spelling, day)
    add_record(LAND_LINE, other_days[4])
    before = stored(engine)
    assert bring_forward(engine, KEY).days == tuple(other_days[:4])
    with engine.begin() as connection:
        do_not_call.add(connection, MOBILE, source="customer")
    again = bring_forward(engine, KEY)
    assert (again.rows, again.days) == (0, tuple(other_days[:4]))
    assert stored(engine) == before
    with engine.connect() as connection:
        assert find(connection, TASK_ID).saves == 1


def test_the_migrate_command_says_which_days_to_read_again(engine, add_record, database_url, monkeypatch):
    address = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("CALLING_DATABASE_URL", address)
    monkeypatch.setenv("CALLING_SECRET_KEY", "a key for tests that is long enough")
    add_record("8613812345678")
    answers = [CliRunner().invoke(main, ["migrate", *words]) for words in ([], ["--json"])]
    assert [answer.exit_code for answer in answers] == [0, 0], answers[0].output
    assert "stats sync --track grade" in answers[0].output
    assert json.loads(answers[1].stdout)["days_to_read_again"] == ["2026-11-20"]


def test_a_full_read_of_a_day_brings_its_hashes_forward(sync, stats_runtime):
    runtime = stats_runtime
    hashes = sa.text("SELECT id, phone_masked, phone_hash FROM call_records ORDER BY id")
    sync("grade")
    with runtime.engine.begin() as connection:
        canonical = connection.execute(hashes).all()
        connection.execute(
            sa.text(
                "UPDATE call_records SET phone_hash = sha256(phone_hash), phone_masked = '861' || substr(phone_masked, 4)"
                " WHERE phone_hash IS NOT NULL"
            )
        )
    assert bring_forward(runtime.engine, runtime.phone_key).days == (YESTERDAY,)
    sync("grade", sync_type="historical")
    with runtime.engine.connect() as connection:
        assert connection.execute(hashes).all() == canonical
    assert bring_forward(runtime.engine, runtime.phone_key).days == ()
