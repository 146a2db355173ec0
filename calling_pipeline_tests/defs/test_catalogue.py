"""The catalogue is true and complete: one lineage, every column described for its own table, personal data tagged."""

import datetime as dt
import re
from collections import defaultdict

import dagster as dg
import pytest
from croniter import croniter

from calling_pipeline import days
from calling_pipeline.database.tables import metadata
from calling_pipeline.definitions import build
from calling_pipeline.defs.catalogue.columns import COLUMNS, PERSONAL
from calling_pipeline.defs.catalogue.describe import OWNERS
from calling_pipeline.defs.catalogue.lineage import SOURCES
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load

VENDORS = {"guanke", "dial_gateway", "infinity", "wecom", "metabase"}
SAME_EVERYWHERE = {"date", "duration_s"}
"""Columns whose meaning is one in the whole product, in tables of different rooms."""
LOOKS_PERSONAL = re.compile(r"phone|destination|staff_name|receiver|body|callback_number|recording|remark|note$")
NOT_PERSONAL = {
    ("communication_records", "recording_queued"),
    ("calling_tasks", "mobile_phone"),
    ("calling_tasks", "staff_name"),
    ("calling_tasks", "remark"),
}
"""Names of columns of the source table, and a note about a configuration."""


@pytest.fixture(scope="module")
def defs():
    return build(Runtime(load(contract_ledgers=["ledger.csv"], wecom_robots={"group": "key"})))


@pytest.fixture(scope="module")
def specs(defs):
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def columns_of(spec):
    schema = spec.metadata.get("dagster/column_schema")
    return {} if schema is None else {column.name: column for column in getattr(schema, "value", schema).columns}


def test_the_lineage_is_one_picture_with_every_vendor_source_table_and_file(specs):
    neighbours = defaultdict(set)
    for name, spec in specs.items():
        for dep in spec.deps:
            other = dep.asset_key.to_user_string()
            assert other in specs, f"{name} reads {other}, which is not in the catalogue"
            neighbours[name].add(other)
            neighbours[other].add(name)
    reached, waiting = set(), ["call_records"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += neighbours[name]
    assert specs.keys() - reached == set()
    assert specs.keys() >= VENDORS | {"source_tables", "contract_ledger_files", "task_ledger", "do_not_call", "call_log"}


def test_a_reader_sees_what_stops_with_each_vendor(defs):
    graph = defs.resolve_asset_graph()

    def stops(name):
        below = dg.AssetSelection.assets(name).downstream(include_self=False).resolve(graph)
        return {key.to_user_string() for key in below}

    assert stops("guanke") >= {"call_records", "grade_stats_cache", "agent_ranking", "task_stats_cache", "daily_history"}
    assert stops("metabase") == {"technician_notifications", "wecom"}
    assert "communication_records" in stops("infinity")
    assert stops("do_not_call") >= {"call_batches", "call_history", "communication_records", "contact_attempts"}
    assert "daily_history" not in stops("infinity")


def test_what_is_not_ours_is_external_and_everything_else_can_be_materialized(defs):
    graph = defs.resolve_asset_graph()
    external = {key.to_user_string() for key in graph.external_asset_keys}
    [ledger] = external - {source.name for source in SOURCES}
    assert ledger.startswith("contract_ledger_files/ledger_")


def test_each_ledger_file_is_an_external_asset_above_the_notifications():
    files = ["a/2026-11.csv", "b/2026-11.csv", "b/2026-11.csv", "合同.csv"]
    graph = build(Runtime(load(contract_ledgers=files))).resolve_asset_graph()
    ledgers = dg.AssetKey("contract_ledger_files")
    assert ledgers in graph.get(dg.AssetKey("contract_notifications")).parent_keys
    found = sorted(key.path[1] for key in graph.get(ledgers).parent_keys)
    assert [name.rpartition("_")[0] for name in found].count("2026_11") == 2
    assert len(found) == 3


def test_every_column_of_every_table_is_described(specs):
    tables = 0
    for name, spec in specs.items():
        if "dagster/table_name" not in spec.metadata:
            continue
        tables += 1
        table = metadata.tables[spec.metadata["dagster/table_name"]]
        columns = columns_of(spec)
        assert columns.keys() == set(table.columns.keys()), name
        assert [column for column, shown in columns.items() if not shown.description] == [], name
    assert tables >= 16


def test_a_description_belongs_to_a_column_that_exists():
    for table, texts in COLUMNS.items():
        assert texts.keys() <= set(metadata.tables[table].columns.keys()), table
    for table, kinds in PERSONAL.items():
        assert kinds.keys() <= set(metadata.tables[table].columns.keys()), table


def test_no_two_rooms_share_a_description_by_accident(specs):
    rooms = defaultdict(set)
    for spec in specs.values():
        for column in columns_of(spec).values():
            rooms[column.name, column.description].add(spec.group_name)
    shared = {name for (name, _), groups in rooms.items() if len(groups) > 1}
    assert shared <= SAME_EVERYWHERE
    ids = [columns_of(spec)["id"].description for spec in specs.values() if "id" in columns_of(spec)]
    assert sum("Guanke" in text for text in ids) == 1, "only call_records has Guanke's id"
    assert columns_of(specs["extension_pool"])["id"].description == "number of the extension in this pool"


def test_personal_data_are_tagged_on_columns_and_on_assets(specs):
    for name, spec in specs.items():
        columns = columns_of(spec)
        kinds = {column.tags["personal_data"] for column in columns.values() if column.tags}
        expected = None if not kinds else "masked" if kinds <= {"masked", "hash"} else "full"
        assert spec.tags.get("personal_data") == expected, name
        table = spec.metadata.get("dagster/table_name")
        for column in columns:
            if LOOKS_PERSONAL.search(column) and (table, column) not in NOT_PERSONAL:
                assert columns[column].tags, f"{table}.{column} looks like personal data and is not tagged"
    assert specs["call_records"].tags["personal_data"] == "masked"
    assert specs["call_history"].tags["personal_data"] == "full"
    assert "personal_data" not in specs["grade_stats_cache"].tags


def test_every_asset_has_a_domain_a_tier_and_the_team_of_its_room(specs):
    for name, spec in specs.items():
        assert spec.owners[0] == OWNERS[spec.group_name], name
        assert spec.tags["domain"] == spec.group_name, name
        assert spec.tags["tier"] in ("1", "2"), name


def test_every_asset_with_a_schedule_has_a_freshness_policy_that_its_schedule_keeps(defs, specs):
    """Each deadline has a tick of a schedule in the time before it, so that a run in time keeps the asset fresh."""
    graph = defs.resolve_asset_graph()
    ticked = defaultdict(list)
    for schedule in defs.schedules:
        job = defs.resolve_job_def(schedule.job_name) if not isinstance(schedule.job, dg.JobDefinition) else schedule.job
        for key in job.asset_layer.selected_asset_keys if job.asset_layer else ():
            ticked[key.to_user_string()].append(schedule.cron_schedule)
    assert ticked.keys() >= {"call_records", "task_stats_cache", "daily_history", "extension_pool", "task_usage"}
    noon = dt.datetime(2026, 11, 24, 12, tzinfo=days.SHANGHAI)
    for name, crons in ticked.items():
        policy = specs[name].freshness_policy
        assert policy is not None, name
        assert policy.timezone == "Asia/Shanghai"
        deadlines = croniter(policy.deadline_cron, noon)
        for _ in range(60):
            deadline = deadlines.get_next(dt.datetime)
            newest = max(croniter(cron, deadline).get_prev(dt.datetime) for cron in crons)
            assert newest > deadline - policy.lower_bound_delta, f"{name}: nothing is due in time for {deadline}"
            assert deadline - newest >= dt.timedelta(minutes=5), f"{name}: no time to run before {deadline}"
    assert {name for name, spec in specs.items() if spec.freshness_policy} == set(ticked)
    assert graph.get(dg.AssetKey("grade_stats_cache")).freshness_policy is not None


def test_messages_have_no_deadline_where_their_schedule_has_nothing_to_read():
    specs = {spec.key.to_user_string(): spec for spec in build(Runtime(load())).resolve_all_asset_specs()}
    assert specs["contract_notifications"].freshness_policy is None
    assert specs["technician_notifications"].freshness_policy is None
