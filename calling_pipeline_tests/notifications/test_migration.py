"""Rows of the version before keep their meaning: two spellings of one contract, and what said Y when it was first seen."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database import migrate
from calling_pipeline.database.engine import make_engine

BEFORE = "0020_telephony_limits"
MESSAGE = sa.text(
    "INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, history,"
    " created_at) VALUES ('send_wecom_message', 'robot:a', '', 0, jsonb_build_object('contract_id', CAST(:id AS text)),"
    " 'delivered', 0, 0, now(), '[]', now())"
)
ROW = sa.text("INSERT INTO contract_rows VALUES ('c.csv', :id, now() + :later * interval '1 s', :before)")


def test_two_spellings_of_one_contract_become_one_and_the_second_message_a_resend(empty_database_url):
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine)
    migrate.downgrade(engine, BEFORE)
    with engine.begin() as connection:
        for later, (id_, before) in enumerate([("ｉｄ－１", True), ("id-1", False), ("id-2", False)]):
            connection.execute(MESSAGE, {"id": id_})
            connection.execute(ROW, {"id": id_, "later": later, "before": before})
    migrate.upgrade(engine)
    with engine.connect() as connection:
        messages = connection.execute(sa.text("SELECT contract_id, edition FROM contract_messages ORDER BY id")).all()
        known = connection.execute(
            sa.text("SELECT contract_id, notified_before, said_yes_at = first_seen_at FROM contract_rows ORDER BY 1")
        ).all()
    assert [tuple(row) for row in messages] == [("id-1", 0), ("id-1", 1), ("id-2", 0)]
    assert [tuple(row) for row in known] == [("id-1", True, True), ("id-2", False, None)]
    migrate.downgrade(engine, BEFORE)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM contract_messages")).scalar_one() == 2
    engine.dispose()
