"""How the files of the way back get into the old MySQL: a script of LOAD DATA, one statement for each table.

Ids of this system mean nothing there, so none is loaded: an account of Infinity is found by its tenant and name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

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
_TEMPLATE = Path(__file__).with_name("load.sql.j2")


def script(headers: Mapping[str, Sequence[str]]) -> str:
    """The script for files with these columns.

    Each value is read into a variable: an empty one is NULL, and what the old table has no column for is dropped.
    """
    files = [{"name": name, "header": headers[name], "columns": columns} for name, columns in LOADED.items()]
    template = jinja2.Template(_TEMPLATE.read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined)
    return str(template.render(files=files))
