"""Every family that is served, beside those that processes note (`measures.py`). `docs/metrics.md` lists them all."""

from __future__ import annotations

from calling_pipeline.measures import NOTED
from calling_pipeline.metrics.records import Family


def _gauge(name: str, about: str, *labels: str) -> Family:
    return Family(name, "gauge", about, labels)


SYNC_AGE = _gauge("calling_sync_age_seconds", "Time since the newest read of the newest day ended", "track")
SYNC_LAST = _gauge("calling_sync_last_read_seconds", "Time that read took", "track")
SYNC_LAST_ROWS = _gauge("calling_sync_last_read_rows", "Rows that read brought", "track")
SYNC_LATE = _gauge("calling_sync_late", "1 while a schedule's newest tick has not read all of its days in time", "schedule")
DAYS_HELD = _gauge("calling_sync_held", "Days that the publishing gate holds", "track")
DAYS_FAILED = _gauge("calling_sync_failed", "Days whose newest attempt to read them failed", "track")

BATCHES = _gauge("calling_batches", "Batches that are not over", "state")
BATCH_CALLS = Family("calling_batch_calls", "counter", "Push attempts and settlements of batch calls", ("outcome",))
BATCH_CALLS_HELD = _gauge("calling_batch_calls_in_doubt", "Calls being pushed or of unknown outcome; 20000 at most", "state")
BATCH_AGE = _gauge("calling_batch_oldest_seconds", "Time since the oldest batch that is not over was planned")

MESSAGES_OPEN = _gauge("calling_messages_open", "Messages not settled; of each state 20000 at most", "outbox", "state")
MAILS_OPEN = _gauge("calling_report_mails_open", "Report deliveries that are not over", "state")

EXTENSIONS = _gauge("calling_extensions", "Extensions of each tenant; beyond a hundred of them, other", "tenant", "state")
LINE_CALLS = _gauge("calling_telephony_calls_open", "Calls through lines that are under way")
LINE_OVERDUE = _gauge("calling_telephony_calls_overdue", "Of those, calls past their deadline")
CALLBACKS_KEPT = _gauge("calling_telephony_callbacks_waiting", "Callbacks that wait, by why", "reason")

ALERTS_OPEN = _gauge("calling_alerts_open", "Conditions that are failing", "kind", "severity")
ALERTS_WAITING = _gauge("calling_alert_deliveries_waiting", "Alerts that wait to be sent to a channel")

HOLDS = _gauge("calling_outgoing_held", "1 while a hold keeps an act from happening, whatever asks for it", "act")

RUNS_OPEN = _gauge("calling_dagster_runs_open", "Runs that are not over", "status")
RUNS_OLDEST = _gauge("calling_dagster_runs_oldest_seconds", "Time since the oldest of those runs was created", "status")
DAEMON_AGE = _gauge("calling_dagster_daemon_heartbeat_age_seconds", "Time since a daemon last said that it lives", "daemon")

CONNECTIONS = _gauge("calling_database_connections", "Connections to the business database", "state")
CONNECTIONS_ALLOWED = _gauge("calling_database_connections_allowed", "Connections the server allows, to all its databases")
OLDEST_TRANSACTION = _gauge("calling_database_oldest_transaction_seconds", "Age of the oldest open transaction")
FREEZE_AGE = _gauge("calling_database_transactions_since_freeze", "Transactions since the oldest row was frozen")
TABLE_BYTES = _gauge("calling_database_table_bytes", "Size of a table with its indexes, by the last vacuum", "table")
TABLE_ROWS = _gauge("calling_database_table_rows", "Rows of a table by the statistics", "table", "state")

INFO = _gauge("calling_build_info", "1; the version that answers", "version", "schema")
CPU = Family("calling_process_cpu_seconds", "counter", "Processor time of the process that answers")
MEMORY = _gauge("calling_process_resident_memory_bytes", "Memory of the process that answers")
STARTED = _gauge("calling_process_start_time_seconds", "When the process that answers began, in seconds since 1970")
FILES = _gauge("calling_process_open_fds", "Open files and connections of the process that answers")

SCRAPE_ERROR = _gauge("calling_scrape_error", "1 when a part could not be read; its numbers are missing", "part")
SCRAPE_SECONDS = _gauge("calling_scrape_part_seconds", "Time it took to read a part", "part")

COUNTED = (*(Family.of(one) for one in NOTED), BATCH_CALLS)
"""What is kept in the table `measures`."""
