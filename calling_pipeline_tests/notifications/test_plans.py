"""Queries that must use an index, among 100,000 messages."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from calling_pipeline.database.engine import driver_sql
from calling_pipeline.notifications.contracts import store

FILL = """
    INSERT INTO contract_messages (
        kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, history, created_at)
    SELECT 'send_wecom_message', 'robot:' || n % 20, 'x', 0,
        jsonb_build_object('contract_id', 'id-' || n, 'csv_file', 'c.csv', 'created_by', 'a test'),
        CASE WHEN n % 51 = 0 THEN 'pending' ELSE 'delivered' END, 0, 0, now(), '[]', now()
    FROM generate_series(1, 100000) AS n
"""


SLOW = ("Seq Scan", "contract_messages")


@pytest.fixture
def full(engine):
    with engine.begin() as connection:
        connection.execute(sa.text(FILL))
        connection.execute(
            sa.text("INSERT INTO notification_lanes SELECT 'robot:' || n, '{}' FROM generate_series(0, 19) n")
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE contract_messages"))
    return engine


def plan(connection, statement, values):
    found = connection.connection.driver_connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", values).fetchone()[0]
    return list(nodes(found[0]["Plan"])), json.dumps(found)


def nodes(node):
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def test_which_messages_a_contract_has_is_asked_of_an_index(full):
    with full.connect() as connection:
        _, found = plan(connection, driver_sql(store.KNOWN_KINDS), {"ids": ["id-777"]})
        assert store.known_kinds(connection, ["id-777", "none"]) == {("id-777", "send_wecom_message")}
    assert "uq_contract_messages_contract_id_kind" in found
    assert "Seq Scan" not in found


def test_claiming_reads_the_lanes_index_not_the_table(full):
    with full.connect() as connection:
        values = store.OUTBOX.claim_values(1, 32, 20)
        steps, found = plan(connection, store.OUTBOX.claim_sql, values)
        rows = connection.connection.driver_connection.execute(store.OUTBOX.claim_sql, values).fetchall()
    assert "ix_contract_messages_lane" in found
    assert not [step for step in steps if (step["Node Type"], step.get("Relation Name")) == SLOW]
    assert len(rows) == 20
