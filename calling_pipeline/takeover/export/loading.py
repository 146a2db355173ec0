"""How the files of the way back get into the old MySQL: a script of LOAD DATA, one statement for each table.

Ids of this system mean nothing there, so none is loaded: an account of Infinity is found by its tenant and name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SCRIPT = "load.sql"
LOADED: Mapping[str, Sequence[str]] = {
    "call_history": ("mobile_phone", "staff_name", "sys_name", "order_type", "order_nums", "updated_time"),
    "call_log": ("mobile_phone", "status", "call_time"),
    "communication_records": (
        "tenant_id", "collector_id", "case_id", "customer_id", "infinity_extension_number", "call_uuid",
        "contact_person_phone", "contacted_at", "call_duration", "is_connected", "call_record_url", "contact_result",
        "remark",
    ),
    "do_not_call": ("phone", "source", "remark", "expire_time"),
    "task_stats_cache": (
        "date", "total_tasks", "callout_number", "called_number", "success_number", "connected_rate", "calculated_at",
        "sync_type",
    ),
    "grade_stats_cache": ("date", "grade_9", "grade_1", "total_success", "total_records", "calculated_at", "sync_type"),
}  # fmt: skip
"""Old table → its columns that are loaded."""
_ACCOUNT = (
    "config_id = (SELECT id FROM infinity_call_configs WHERE tenant_id = @tenant_id AND config_name = @config_name LIMIT 1)"
)
_HEAD = """\
-- For MySQL and MariaDB, in the folder of the files: mariadb --local-infile=1 DATABASE < load.sql
-- Tables and columns have the names of the packaged mapping; change them here where yours differ. Once: what has no key of
-- its own would be there twice. One transaction; a table of an engine without transactions is loaded at once.
SET NAMES utf8mb4;
START TRANSACTION;
"""


def script(headers: Mapping[str, Sequence[str]]) -> str:
    """The script for files with these columns."""
    statements = [_statement(name, headers[name], columns) for name, columns in LOADED.items()]
    return "\n".join([_HEAD, *statements, "COMMIT;", ""])


def _statement(name: str, header: Sequence[str], columns: Sequence[str]) -> str:
    """Every value is read into a variable: an empty one is NULL, and what the old table has no column for is dropped."""
    values = [f"`{column}` = NULLIF(@{column}, '')" for column in columns]
    if "config_name" in header:
        values.append(_ACCOUNT)
    return (
        f"LOAD DATA LOCAL INFILE '{name}.csv' REPLACE INTO TABLE `{name}` CHARACTER SET utf8mb4\n"
        "    FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''\n"
        "    LINES TERMINATED BY '\\r\\n' IGNORE 1 LINES\n"
        f"    ({', '.join(f'@{column}' for column in header)})\n"
        f"    SET {', '.join(values)};\n"
    )
