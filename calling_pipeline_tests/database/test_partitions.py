"""Partitions are made when they are needed and dropped whole; a table with rows becomes the first of them and back again."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from calling_pipeline.database import migrate, partitions
from calling_pipeline.database.engine import make_engine
from calling_pipeline.errors import Busy
from calling_pipeline_tests.database.catalog import differences, snapshot
from calling_pipeline_tests.database.scripts import scripts

DAY = dt.date(2026, 11, 20)
ONE = dt.timedelta(days=1)
BEFORE = str(scripts().get_revision("0045_day_partitions").down_revision)
ROWS = sa.text(
    "INSERT INTO call_records (id, date, called_at, duration_s, order_yuan, agent_id, phone_masked, phone_hash)"
    " SELECT n, cast(:first AS date) + n / 10, now(), n, 0, '', '138****0000', decode(md5(n::text), 'hex')"
    " FROM generate_series(0, :count - 1) AS n"
)
ALL = sa.text("SELECT * FROM call_records ORDER BY id")


def names(connection):
    return [one.name for one in partitions.partitions_of(connection, "call_records")]


def test_days_without_a_partition_get_one_each_and_only_once(connection):
    wanted = partitions.ahead(DAY, 3)
    made = partitions.make(connection, "call_records", [*wanted, DAY])
    assert made == names(connection) == ["call_records_20261120", "call_records_20261121", "call_records_20261122"]
    assert partitions.make(connection, "call_records", wanted) == []
    [found] = [one for one in partitions.partitions_of(connection, "call_records") if one.holds(DAY + ONE)]
    assert (found.first, found.end) == (DAY + ONE, DAY + 2 * ONE)


def test_a_month_ends_where_another_partition_begins(connection):
    connection.exec_driver_sql("CREATE TABLE kept (at timestamptz NOT NULL) PARTITION BY RANGE (at)")
    connection.exec_driver_sql("CREATE TABLE kept_older PARTITION OF kept FOR VALUES FROM (MINVALUE) TO ('2026-11-20')")
    made = partitions.make(connection, "kept", [DAY - ONE, DAY, dt.date(2026, 12, 31)], "month")
    assert made == ["kept_20261120", "kept_20261201"]
    bounds = [(one.first, one.end) for one in partitions.partitions_of(connection, "kept")]
    assert bounds == [(None, DAY), (DAY, dt.date(2026, 12, 1)), (dt.date(2026, 12, 1), dt.date(2027, 1, 1))]


def test_a_partition_has_every_rule_and_index_of_its_table(connection):
    [name] = partitions.make(connection, "call_records", [DAY])
    rules = sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass(:name) ORDER BY 1")
    own, table = (connection.execute(rules, {"name": of}).scalars().all() for of in (name, "call_records"))
    assert own == table
    indexes = sa.text("SELECT indexdef FROM pg_indexes WHERE tablename = :name")
    found = connection.execute(indexes, {"name": name}).scalars().all()
    assert sorted(text.partition(" USING ")[2] for text in found) == [
        "brin (phone_hash bytea_bloom_ops (n_distinct_per_range='2000')) WITH (pages_per_range='32', autosummarize='on')",
        "btree (id, date)",
    ]


def test_two_who_need_the_same_partition_at_once_both_get_it(engine):
    def need(_):
        with engine.begin() as connection:
            return partitions.holding(connection, "call_records", DAY).name

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(need, range(8))) == {"call_records_20261120"}


def test_a_partition_is_made_while_others_write_and_read(engine):
    with engine.begin() as connection:
        partitions.make(connection, "call_records", [DAY])
    with engine.begin() as busy, engine.begin() as maker:
        busy.execute(ROWS, {"first": DAY, "count": 5})
        maker.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        assert partitions.make(maker, "call_records", [DAY + ONE]) == ["call_records_20261121"]


def test_a_drop_does_not_wait_long_for_those_who_read_and_says_what_stays(engine, monkeypatch):
    monkeypatch.setattr(partitions, "DROP_WAITS_S", 0.1)
    with engine.begin() as connection:
        partitions.make(connection, "call_records", [DAY])
    with engine.begin() as reader:
        reader.execute(ALL)
        with pytest.raises(Busy, match="call_records_20261120 stay"), engine.begin() as connection:
            partitions.drop(connection, "call_records", ["call_records_20261120"])
    with engine.begin() as connection:
        partitions.drop(connection, "call_records", ["call_records_20261120"])
        assert names(connection) == []


def test_a_partition_somebody_is_about_to_write_into_is_not_dropped(engine, monkeypatch):
    monkeypatch.setattr(partitions, "DROP_WAITS_S", 0.1)
    with engine.begin() as connection:
        [name] = partitions.make(connection, "call_records", [DAY])
    with engine.begin() as writer:
        assert partitions.holding(writer, "call_records", DAY).name == name
        with pytest.raises(Busy), engine.begin() as connection:
            partitions.drop(connection, "call_records", [name])
        writer.execute(ROWS, {"first": DAY, "count": 5})


@pytest.fixture
def before(empty_database_url):
    """A database of the version before."""
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine)
    migrate.downgrade(engine, BEFORE)
    yield engine
    engine.dispose()


def test_a_table_with_rows_becomes_the_first_partition_and_one_table_again_without_losing_a_row(before):
    with before.begin() as connection:
        connection.execute(ROWS, {"first": DAY, "count": 100})
        rows, schema = connection.execute(ALL).all(), snapshot(connection)
        today = connection.exec_driver_sql("SELECT current_date").scalar_one()
        file = connection.exec_driver_sql("SELECT pg_relation_filepath('call_records')").scalar_one()
    migrate.upgrade(before)
    end = max(today, DAY + 9 * ONE) + ONE
    with before.begin() as connection:
        assert connection.execute(ALL).all() == rows
        [first] = partitions.partitions_of(connection, "call_records")
        assert (first.name, first.first, first.end) == (f"call_records_before_{end:%Y%m%d}", None, end)
        assert connection.exec_driver_sql(f"SELECT pg_relation_filepath('{first.name}')").scalar_one() == file, "not copied"
        assert partitions.holding(connection, "call_records", DAY).name == first.name
        partitions.make(connection, "call_records", [end])
    migrate.downgrade(before, BEFORE)
    with before.begin() as connection:
        assert connection.execute(ALL).all() == rows
        assert differences(snapshot(connection), schema) == []


def test_the_move_into_partitions_that_was_broken_off_is_done_by_the_next_run(before):
    with before.begin() as connection:
        connection.execute(ROWS, {"first": DAY, "count": 100})
        rows = connection.execute(ALL).all()
        connection.exec_driver_sql("CREATE UNIQUE INDEX ix_call_records_id_date ON call_records (id, date)")
        connection.exec_driver_sql("ALTER TABLE call_records ADD CONSTRAINT dates CHECK (date < '2100-01-01') NOT VALID")
    migrate.upgrade(before)
    with before.begin() as connection:
        assert connection.execute(ALL).all() == rows
