"""Every column with texts, bytes or documents that erasure leaves alone, and why it holds nothing of who is called.

A new column stands in `places.py` of the package or here, or a test fails: nobody adds what no erasure reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_OURS = "our own words: names of states, rules, rooms and kinds"
_NAMES = "names of people and programs who act, of files, assets and accounts of ours"
_VENDORS = "codes and words of vendors, masked when they are stored"
_COUNTS = "counted: it names nobody"
_SECRETS = "secrets of ours or of vendors, sealed or hashed"
_KEYS = "keys of our own, random or counted"
_STAFF = "about staff of the centre, not about who is called"
_MASKED = "texts and documents of ours in which numbers are masked when they are written"
_WORK = "the customer's words about the order and who handles it, not about who is called"
_CALL = "about the call: where it went, how it ended; it names nobody without the number"

EXEMPT: Mapping[str, Mapping[str, str]] = {
    "access_sessions": {_SECRETS: "digest"},
    "access_tokens": {_SECRETS: "digest", _NAMES: "label created_by"},
    "agent_ranking": {_STAFF: "agent_id"},
    "alert_conditions": {_OURS: "name severity kind subject room link signature", _MASKED: "title text"},
    "alert_deliveries": {_OURS: "channel state"},
    "alerts": {_OURS: "key severity room kind link", _MASKED: "title text"},
    "archived_batches": {_KEYS: "file", _COUNTS: "reasons"},
    "asset_activity": {_NAMES: "asset by", _COUNTS: "numbers"},
    "audit_log": {_NAMES: "person door act subject", _MASKED: "reason before after"},
    "best_time_looks": {_OURS: "verdict"},
    "best_time_rates": {_COUNTS: "province"},
    "best_time_states": {_OURS: "off_reason"},
    "call_batches": {_KEYS: "key", _NAMES: "task_name source", _OURS: "state policy redial best_time",
                     _MASKED: "note card"},
    "call_callbacks": {_KEYS: "body_digest reference", _VENDORS: "call_uuid state contact_result"},
    "call_history": {_OURS: "origin", _NAMES: "imported_from", _WORK: "staff_name sys_name order_type"},
    "call_log": {_KEYS: "distinct_id", _OURS: "outcome", _VENDORS: "resp_code", _NAMES: "recorded_by"},
    "call_notes": {_STAFF: "reviewer"},
    "call_recordings": {_OURS: "state failure media_type", _KEYS: "file"},
    "call_records": {_VENDORS: "grade task_id task_name line_name hangup_reason", _STAFF: "agent_id",
                     _CALL: "province city"},
    "call_refusals": {_OURS: "rule"},
    "call_result_days": {_COUNTS: "reads"},
    "call_results": {_OURS: "result", _STAFF: "agent_id", _VENDORS: "hangup_reason", _CALL: "province"},
    "call_tasks": {_WORK: "staff_name sys_name order_type", _OURS: "state reason redial arm", _KEYS: "distinct_id",
                   _VENDORS: "resp_code"},
    "calling_tasks": {_NAMES: "name source_schema source_table mobile_phone staff_name sys_name order_type order_nums"
                              " row_key",
                      _OURS: "cron policy redial best_time remark"},
    "collector_cases": {_KEYS: "reference", _OURS: "source result", _NAMES: "created_by"},
    "collector_desks": {_OURS: "batch said"},
    "collectors": {_STAFF: "name callback_number_sealed callback_number_masked"},
    "communication_records": {_KEYS: "reference trace", _NAMES: "extension_number caller_number supplier",
                              _OURS: "state settled_by", _VENDORS: "call_uuid contact_result failure_code"},
    "contact_attempts": {_OURS: "room", _NAMES: "caller"},
    "contact_holidays": {_OURS: "name"},
    "contract_ledgers": {_NAMES: "csv_file", _COUNTS: "digest encoding parked",
                         "the customer's own file; where the number stands in it, the certificate says so": "content"},
    "contract_messages": {_OURS: "kind state", _NAMES: "receiver", _KEYS: "contract_id"},
    "contract_rows": {_NAMES: "csv_file", _KEYS: "contract_id"},
    "daily_agents": {_STAFF: "agent_id"},
    "daily_history": {_OURS: "task_sync_type grade_sync_type"},
    "daily_province_hours": {_COUNTS: "province"},
    "daily_provinces": {_COUNTS: "province"},
    "daily_tasks": {_VENDORS: "task_id task_name"},
    "day_refreshes": {_OURS: "track outcome error", _NAMES: "by", _COUNTS: "numbers_before numbers_after"},
    "desk_calls": {_OURS: "outcome rule result"},
    "do_not_call": {_NAMES: "source added_by ended_by"},
    "do_not_call_history": {_NAMES: "source added_by ended_by"},
    "erased_persons": {"the keyed hash that is kept, so that the number is never called again": "token"},
    "erasure_keys": {_SECRETS: "sealed"},
    "exports": {_OURS: "what filters format language state error", _NAMES: "asked_by file", _COUNTS: "digest"},
    "extension_pool": {_NAMES: "number label", _OURS: "state offline_reason"},
    "failed_reads": {_OURS: "track sync_type error_kind", _KEYS: "run_id", _MASKED: "error"},
    "fetch_proofs": {_OURS: "track mode sync_type", _KEYS: "run_id",
                     _COUNTS: "unknown_grades new_fields missing_fields warnings numbers"},
    "gateway_rates": {_NAMES: "account"},
    "gateway_refusals": {_OURS: "about", _VENDORS: "code"},
    "gateway_shares": {_NAMES: "account"},
    "grade_stats_cache": {_OURS: "sync_type"},
    "held_call_records": {_VENDORS: "grade task_id task_name line_name hangup_reason", _STAFF: "agent_id",
                          _CALL: "province city"},
    "held_days": {_OURS: "track state", _COUNTS: "reasons numbers numbers_before proof", _NAMES: "closed_by",
                  _MASKED: "closing_reason"},
    "infinity_bills": {_VENDORS: "call_uuid hangup state", _NAMES: "extension_number"},
    "infinity_configs": {_NAMES: "name api_url app_id caller_numbers caller_range_start caller_range_end callback_addresses",
                         _SECRETS: "access_key_sealed callback_secret_sealed previous_secret_sealed callback_path_digest",
                         _OURS: "strategy contact_rules"},
    "kept_callbacks": {_COUNTS: "body_digest", _OURS: "reason", _VENDORS: "call_uuid", _NAMES: "closed_by"},
    "line_days": {_OURS: "kind", _NAMES: "number"},
    "line_delays": {_OURS: "outcome"},
    "login_attempts": {_SECRETS: "key"},
    "login_links": {_SECRETS: "digest", _NAMES: "created_by"},
    "measure_marks": {_NAMES: "source"},
    "measures": {_OURS: "name", _COUNTS: "labels"},
    "monthly_agents": {_STAFF: "agent_id"},
    "notification_lanes": {_NAMES: "receiver"},
    "number_segments": {_COUNTS: "segment province"},
    "outgoing_holds": {_OURS: "kind act reason", _NAMES: "by"},
    "people": {_STAFF: "name role grants language password_hash"},
    "person_certificates": {"the proof of an erasure, with the number masked": "token document digest", _NAMES: "made_by"},
    "quality_samples": {_NAMES: "made_by"},
    "report_deliveries": {_OURS: "kind language formats state history", _STAFF: "receiver message_id answer queue_id"},
    "report_files": {_OURS: "language format", _COUNTS: "digest"},
    "report_subscriptions": {_OURS: "kind language formats week_days", _STAFF: "receiver created_by ended_by"},
    "reports": {_OURS: "kind state", _COUNTS: "partial facts control sources digest changes", _NAMES: "made_by",
                _MASKED: "reason"},
    "takeover_parts": {_OURS: "part state", _MASKED: "places reasons found"},
    "takeovers": {_NAMES: "source mapping by", _OURS: "state", _MASKED: "error"},
    "task_charges": {_KEYS: "charged_act task_id", _NAMES: "feature charged_by"},
    "task_ledger": {_KEYS: "task_id charged_act", _NAMES: "feature account created_by updated_by",
                    _OURS: "state last_outcome"},
    "task_refusals": {_KEYS: "task_id", _OURS: "kind from_state to_state reason", _NAMES: "refused_by"},
    "task_stats_cache": {_OURS: "sync_type"},
    "task_usage": {_NAMES: "feature"},
    "technician_messages": {_OURS: "kind state", _STAFF: "receiver", _KEYS: "change_id"},
    "vendor_credentials": {_NAMES: "name", _SECRETS: "sealed"},
}  # fmt: skip
"""Table → why → its columns."""


def exempt_columns() -> Iterator[tuple[str, str, str]]:
    """(table, column, why)."""
    for table, reasons in EXEMPT.items():
        for why, names in reasons.items():
            for name in names.split():
                yield table, name, why
