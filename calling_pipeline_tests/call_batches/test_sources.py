"""A calling task reads the customer's tables, in the schemas that the settings allow, and nothing of ours."""

import pytest

from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.call_batches.records import PlanRules
from calling_pipeline.errors import Forbidden, UnknownIdentifier
from calling_pipeline_tests.call_batches.desk import ALL_DAY, MAPPING, phone

OURS = {"source_table": "call_history", "mobile_phone": "phone", "staff_name": None, "sys_name": None, "order_type": None,
        "order_nums": None}  # fmt: skip


@pytest.fixture
def orders(desk):
    desk.work_orders([phone(1)])
    with desk.engine.begin() as connection:
        for statement in (
            "CREATE SCHEMA secret", "CREATE TABLE secret.payroll (phone text)",
            "CREATE VIEW crm.called AS SELECT phone FROM public.call_history",
            "CREATE VIEW crm.called_again AS SELECT phone FROM crm.called JOIN crm.work_orders ON phone = mobile",
            "CREATE VIEW crm.roles AS SELECT rolname::text AS phone FROM pg_catalog.pg_authid",
            "CREATE VIEW crm.honest AS SELECT mobile AS phone FROM crm.work_orders",
            "CREATE TABLE crm.parent (phone text COLLATE \"C\")",
        ):  # fmt: skip
            connection.exec_driver_sql(statement)
    return desk


@pytest.mark.parametrize("schema", ["public", "pg_catalog", "information_schema", "pg_toast"])
@pytest.mark.parametrize("allowed", [(), ("public", "pg_catalog", "information_schema", "pg_toast")])
def test_no_task_reads_our_schema_or_postgresqls_even_when_it_is_listed(orders, schema, allowed):
    wish = {"name": "x", "cron": "0 9 * * *", **MAPPING, **OURS, "source_schema": schema}
    with orders.engine.begin() as connection, pytest.raises(UnknownIdentifier) as refused:
        editing.add(connection, wish, PlanRules(source_schemas=allowed))
    assert "call_history" not in str(refused.value)


@pytest.mark.parametrize("view", ["called", "called_again", "roles"])
def test_no_task_reads_our_tables_through_a_view(orders, view):
    with pytest.raises(Forbidden, match="a table of calling-pipeline or of PostgreSQL"):
        orders.task(**{**OURS, "source_table": view})
    assert orders.task("honest", **{**OURS, "source_table": "honest"}).name == "honest"


def test_no_task_reads_our_tables_as_children_of_the_customers(orders):
    with orders.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE public.child () INHERITS (crm.parent)")
    with pytest.raises(Forbidden):
        orders.task(**{**OURS, "source_table": "parent"})


def test_a_task_reads_only_allowed_schemas_and_errors_name_no_other(orders):
    rules = PlanRules(source_schemas=("crm", "gone"))
    with orders.engine.begin() as connection:
        for schema in ("secret", "nowhere"):
            wish = {"name": "x", "cron": "0 9 * * *", **MAPPING, "source_schema": schema, "source_table": "payroll"}
            with pytest.raises(UnknownIdentifier) as refused:
                editing.add(connection, wish, rules)
            said = str(refused.value).replace(repr(schema), "")
            assert "secret" not in said
            assert "payroll" not in said
            assert "may read from: crm (CALLING_SOURCE_SCHEMAS)" in said


def test_the_schema_is_asked_for_again_when_a_batch_is_planned(orders):
    orders.task()
    assert runs.plan_task(orders.engine, "new orders", rules=PlanRules(source_schemas=("crm",))).card.to_call == 1
    for act in (runs.plan_task, runs.preview_task):
        with pytest.raises(UnknownIdentifier, match="may read from: secret"):
            act(orders.engine, "new orders", rules=PlanRules(source_schemas=("secret",)))


def test_a_view_that_reads_ours_since_is_refused_when_a_batch_is_planned(orders):
    orders.task("honest", **{**OURS, "source_table": "honest"}, policy=ALL_DAY)
    with orders.engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW crm.honest")
        connection.exec_driver_sql("CREATE VIEW crm.honest AS SELECT phone FROM public.call_history")
    with pytest.raises(Forbidden):
        orders.plan("honest")


def test_a_task_whose_source_is_no_longer_allowed_can_still_be_switched_off(orders):
    orders.task()
    rules = PlanRules(source_schemas=("secret",))
    with orders.engine.begin() as connection:
        assert editing.edit(connection, "new orders", {"enabled": False}, rules).enabled is False
        with pytest.raises(UnknownIdentifier):
            editing.edit(connection, "new orders", {"enabled": True}, rules)
