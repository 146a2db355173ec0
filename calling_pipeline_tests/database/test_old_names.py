"""Views under the names of the tables of the systems before: their columns, and no secret in them."""

import sqlalchemy as sa

from calling_pipeline.database.engine import driver_connection

ROWS = """
    INSERT INTO infinity_configs (tenant_id, name, api_url, app_id, access_key_sealed, callback_secret_sealed, enabled,
        strategy, max_concurrent_calls, ring_timeout_s, cool_down_s, quarantine_after, quarantine_s, caller_numbers,
        created_at, updated_at)
    VALUES (1, 'office', 'https://infinity.test', 'app', 'sealed secret', 'sealed secret', true, 'lru', 5, 30, 0, 3, 600,
        '{}', now(), now());
    INSERT INTO extension_pool (config_id, number, state, holder, lease_until, allocated_at, created_at)
    SELECT id, '1001', 'in_use', 7, now(), now(), now() FROM infinity_configs;
    INSERT INTO communication_records (reference, tenant_id, config_id, collector_id, extension_id, extension_number, fence,
        destination_masked, destination_hash, state, started_at, deadline, settled_at, duration_s, recording_url)
    SELECT 'r', 1, config_id, 7, id, number, 1, '138****0000', 'secret hash', 'connected', now(), now(), now(), 61,
        'https://vendor.test/secret.wav' FROM extension_pool;
    INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, settled_at,
        history, created_at)
    SELECT 'send_wecom_message', 'robot:North', 'signed', 0,
        jsonb_build_object('contract_id', n, 'csv_file', '/srv/ledgers/old/north.csv'), state, 1, 0, now(), now(), '[]',
        now()
    FROM unnest(ARRAY['delivered', 'dead', 'unknown']) WITH ORDINALITY AS made (state, n);
    INSERT INTO call_history (phone, first_called_at, last_called_at, calls, imported_calls, staff_name, updated_time)
    VALUES ('13800000001', now(), now(), 1, 1, 'Li', '2026-06-01 10:00+08');
"""


def test_an_old_report_reads_its_tables_by_their_old_names_and_finds_no_secret(engine):
    with engine.begin() as connection:
        driver_connection(connection).execute(ROWS.encode())
        connection.exec_driver_sql("SET LOCAL search_path = old_names, public")

        def read(statement):
            return [tuple(row) for row in connection.execute(sa.text(statement))]

        assert read("SELECT task_type, recipient, status, metadata::json ->> 'csv_file' FROM tasks ORDER BY id") == [
            ("send_wecom_message", "North", status, "north.csv") for status in ("completed", "failed", "unknown")
        ]
        assert read("SELECT config_name, supplier, call_timeout_seconds, is_active FROM infinity_call_configs") == [
            ("office", "infinity", 30, True)
        ]
        pool = "SELECT tenant_id, infinity_extension_number, extension_status, current_collector_id"
        assert read(f"{pool} FROM infinity_extension_pool") == [(1, "1001", "in_use", 7)]
        calls = (
            "SELECT supplier, infinity_extension_number, contact_person_phone, is_connected, call_duration, has_recording"
        )
        assert read(f"{calls} FROM communication_records") == [("infinity", "1001", "138****0000", True, 61, True)]
        assert read("SELECT mobile_phone, staff_name FROM call_history") == [("13800000001", "Li")]
        views = read("SELECT table_name FROM information_schema.views WHERE table_schema = 'old_names'")
        shown = [str(read(f"SELECT * FROM old_names.{view}")) for (view,) in views]
    assert len(shown) == 5
    assert "secret" not in " ".join(shown)


def test_a_role_for_reports_sees_the_views_and_nothing_behind_them(engine):
    with engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("CREATE ROLE old_reports")
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA old_names TO old_reports")
        connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA old_names TO old_reports")
        connection.exec_driver_sql("SET LOCAL ROLE old_reports")
        assert connection.exec_driver_sql("SELECT count(*) FROM old_names.infinity_call_configs").scalar_one() == 0
        refused = connection.exec_driver_sql(
            "SELECT has_table_privilege('public.infinity_configs', 'SELECT'), has_schema_privilege('old_names', 'CREATE')"
        )
        assert tuple(refused.one()) == (False, False)
        transaction.rollback()
