"""The example world: in every room, twice the same, gone with one command, and never near a real vendor."""

import dataclasses
import json

import pytest
import sqlalchemy as sa

from calling_pipeline import atomic_file, days
from calling_pipeline.access.people import store as people_store
from calling_pipeline.analysis.health.store import tenants_addresses
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.contact_policy import store as policy_store
from calling_pipeline.errors import ConfigurationError, Conflict
from calling_pipeline.example import contracts, keeping, links, orders, removing, seeding
from calling_pipeline.example.names import COLLECTORS, EXTENSIONS, PEOPLE, SCHEMA, SOURCE, TABLE, TASK, TENANT, ledger_of
from calling_pipeline.notifications.contracts import runs as contract_runs
from calling_pipeline.notifications.contracts.contract_ledger import parse
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.tenants import collectors, configurations
from calling_pipeline_tests.example.conftest import at_the_simulator
from calling_pipeline_tests.support import LIMIT_S, http


def _counts(runtime):
    """How many rows every table has."""
    with runtime.transaction() as connection:
        names = sa.inspect(connection).get_table_names()
        counted = {name: connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one() for name in names}
        counted["work orders"] = connection.exec_driver_sql(f"SELECT count(*) FROM {SCHEMA}.{TABLE}").scalar_one()
    return counted


def test_every_room_has_something_to_show(example_runtime):
    made = seeding.seed(example_runtime)
    assert dataclasses.asdict(made).keys() == {name for name, count in dataclasses.asdict(made).items() if count}
    assert (made.extensions, made.collectors, made.people) == (EXTENSIONS, COLLECTORS, 4)
    with example_runtime.transaction() as connection:
        assert [task.enabled for task in task_store.all_tasks(connection)] == [False]
        found, _ = collectors.page(connection, tenant_id=TENANT, active=True, limit=100, offset=0)
        roles = {person.role for person in people_store.every(connection)}
    assert all(one.callback_number.startswith("+86") for one in found)
    assert roles >= {"viewer", "collector", "operator", "admin"}


def test_the_work_orders_are_dirty_in_every_way_a_preview_knows(example_runtime):
    seeding.seed(example_runtime)
    card = runs.preview_task(example_runtime.engine, TASK)
    assert 150 < card.to_call < 290
    assert len([line for line in card.left_out if line.rows]) >= 3


def test_the_ledger_has_contracts_to_notify_parked_and_contradictory_lines():
    ledger = parse(contracts.ledger())
    assert len(ledger.contracts) == contracts.CONTRACTS + 1  # one whose amount is none can be read all the same
    assert len(ledger.contradictions) == 1
    assert len(ledger.parked) == 4


def test_seeding_twice_changes_nothing(example_runtime):
    seeding.seed(example_runtime)
    before, file = _counts(example_runtime), ledger_of(example_runtime.settings).read_bytes()
    assert seeding.seed(example_runtime).nothing
    after = _counts(example_runtime)
    assert {name for name in before if before[name] != after[name]} <= {"task_details", "tasks", "task_ledger"}
    assert ledger_of(example_runtime.settings).read_bytes() == file


def test_removed_it_is_gone_but_for_what_was_done(example_runtime):
    seeding.seed(example_runtime)
    batch = runs.plan_task(example_runtime.engine, TASK)
    removed = removing.remove(example_runtime, by="test")
    assert any(TASK in line for line in removed.kept)
    with example_runtime.transaction() as connection:
        assert connection.exec_driver_sql("SELECT to_regnamespace('example')").scalar_one() is None
        assert (
            connection.exec_driver_sql(f"SELECT state FROM call_batches WHERE id = {batch.id}").scalar_one() == "cancelled"
        )
        assert not policy_store.blocked(connection, days.now(), source=SOURCE)
        assert not policy_store.all_holidays(connection)
        assert collectors.page(connection, tenant_id=TENANT, active=None, limit=9, offset=0)[1] == 0
        assert (
            configurations.page(connection, example_runtime.secrets, tenant_id=TENANT, enabled=None, limit=9, offset=0)[1]
            == 0
        )
        assert tenants_addresses(connection) == [], "`doctor` judges no address of it"
        assert not any(people_store.by_name(connection, one.name).active for one in PEOPLE)
        waiting = "SELECT count(*) FROM contract_messages WHERE state IN ('pending', 'sending', 'unknown', 'dead')"
        assert connection.exec_driver_sql(waiting).scalar_one() == 0


def test_what_is_removed_does_not_come_back_by_itself(example_runtime):
    seeding.seed(example_runtime)
    ledger = ledger_of(example_runtime.settings)
    atomic_file.replace(ledger, lambda content: content)  # as a message that is delivered does
    removing.remove(example_runtime, by="test")
    assert keeping.want(example_runtime.settings) == "removed"
    assert [path.name for path in ledger.parent.iterdir()] == ["state"]


def test_it_can_be_made_again_and_delivers_contracts_of_its_own(example_runtime):
    first = seeding.seed(example_runtime)
    removing.remove(example_runtime, by="test")
    again = seeding.seed(example_runtime)
    assert (again.work_orders, again.extensions, again.messages) == (first.work_orders, first.extensions, again.messages)
    assert again.messages > 20
    with example_runtime.transaction() as connection:
        assert all(people_store.by_name(connection, one.name).active for one in PEOPLE)


def test_its_contracts_are_delivered_to_the_simulator(example_runtime, simulator):
    seeding.seed(example_runtime)
    deps = dataclasses.replace(seeding.dependencies(example_runtime), rate=0)
    http.post(f"{simulator.url}/wecom/_sim/rules", json={"robot_rate_per_minute": None}).raise_for_status()
    try:
        done = contract_runs.run(deps, [ledger_of(example_runtime.settings)], created_by="test", wait_s=LIMIT_S)
    finally:
        http.delete(f"{simulator.url}/wecom/_sim/rules").raise_for_status()
    assert done.delivery.delivered > 30
    assert done.without_receiver == 0


def test_a_real_vendor_keeps_it_away(app_settings, simulator):
    settings = at_the_simulator(app_settings, simulator, gateway_url="https://gateway.example.com")
    runtime = Runtime(settings)
    with pytest.raises(ConfigurationError, match="simulator alone"):
        seeding.seed(runtime)
    runtime.close()
    bare = settings.model_copy(update={"database_url": None})
    assert keeping.want(bare) == "none"


@pytest.mark.parametrize(("example", "state"), [(True, "wanted"), (False, "none")])
def test_a_new_installation_gets_it_unless_a_setting_says_no(app_settings, simulator, example, state):
    settings = at_the_simulator(app_settings, simulator, database_url=None, example=example)
    assert keeping.want(settings) == state


def test_an_installation_that_has_a_database_does_not_get_it(app_settings, simulator):
    settings = at_the_simulator(app_settings, simulator, database_url=None)
    (settings.home / "postgres").mkdir(parents=True)
    assert keeping.want(settings) == "none"


def test_what_the_user_has_set_stays(app_settings, simulator):
    settings = at_the_simulator(app_settings, simulator, wecom_robots={"own": "key"})
    given = keeping.environment(settings)
    assert "CALLING_WECOM_ROBOTS" not in given
    assert json.loads(given["CALLING_CONTRACT_LEDGERS"]) == [str(ledger_of(settings))]


def test_a_tenant_of_the_users_own_is_left_alone(example_runtime):
    values = {"api_url": "https://infinity.example.com", "app_id": "theirs", "access_key": "key"}
    with example_runtime.transaction() as connection:
        configurations.create(connection, example_runtime.secrets, TENANT, values, who="test")
    with pytest.raises(Conflict, match="of its own"):
        seeding.seed(example_runtime)
    removing.remove(example_runtime, by="test")
    with example_runtime.transaction() as connection:
        assert configurations.of_tenant(connection, example_runtime.secrets, TENANT).app_id == "theirs"


def test_each_of_its_people_has_a_link_that_works(example_runtime):
    seeding.seed(example_runtime)
    found = links.links(example_runtime, by="test")
    assert list(found) == [one.name for one in PEOPLE]
    assert all("/login?link=" in address for address in found.values())


def test_orders_that_come_later_have_numbers_of_their_own():
    first, second = orders.orders(50), orders.orders(50, first=300)
    assert {order.mobile for order in first if order.mobile}.isdisjoint(
        order.mobile for order in second if order.mobile and len(order.mobile) == 11 and order.mobile.startswith("199")
    )
