"""The columns of the stats tables."""

from collections.abc import Mapping

_DATE = {"date": "business day (Asia/Shanghai)"}
_ORDERS = {
    "grade_9": "calls whose grade is a 9-yuan order",
    "grade_1": "calls whose grade is a 1-yuan order",
}
_SOURCE = {
    "sync_type": "window of the read: long_historical (T-10), historical (T-3), today or manual",
    "fetch_number": "the read that the numbers come from; its proof is in fetch_proofs",
}
_GRADES = {
    **_ORDERS,
    "total_success": "orders: grade_9 + grade_1",
    "total_records": "call records of the day, dialled or not",
}
_TASKS = {
    "total_tasks": "dialling tasks that the vendor reported",
    "callout_number": "numbers dialled, summed over the dialling tasks",
    "called_number": "numbers that answered (connected), summed over the dialling tasks",
    "success_number": "successes as the vendor counts them, by its own rule",
    "connected_rate": "called_number / callout_number as a percentage, two decimals; 0 when nothing was dialled",
}
_PARTS = {
    "calls": "call records, dialled or not",
    "connected": "calls that were answered (call_state 2)",
    **_ORDERS,
    "orders": "grade_9 + grade_1",
}

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "call_records": {
        "id": "id of the call record at Guanke",
        "date": "business day that the record was read for",
        "called_at": "when it was dialled",
        "call_state": "0 not dialled, 1 not connected, 2 connected",
        "duration_s": "seconds of talk",
        "grade": "purchase intent as the vendor sent it",
        "order_yuan": "the order that the grade says: 9, 1, or 0 for none",
        "agent_id": "agent account; empty when the call had none",
        "task_id": "dialling task at Guanke",
        "task_name": "name of the dialling task",
        "line_name": "outbound line that was used",
        "phone_masked": "called number, masked (138****0000)",
        "phone_hash": "keyed hash of the full number, by which calls of batches are found again; the number is not stored",
        "hangup_reason": "why the call ended, in the vendor's words",
        "province": "province of the called number, as the vendor sent it",
        "city": "city of the called number, as the vendor sent it",
    },
    "grade_stats_cache": {
        **_DATE,
        **_GRADES,
        **_SOURCE,
        "calculated_at": "when the call records were counted",
        "elapsed_time": "seconds from the first request to the stored numbers",
    },
    "task_stats_cache": {**_DATE, **_TASKS, **_SOURCE, "calculated_at": "when the tasks were added up"},
    "agent_ranking": {
        **_DATE,
        "agent_id": "agent account; empty for calls of no agent, which rank last",
        "position": "rank: by orders, then 9-yuan orders, then connected calls",
        **_PARTS,
        "talk_s": "seconds of talk of all the agent's calls",
    },
    "hourly_orders": {**_DATE, "hour": "hour in which the call was dialled, 0 … 23", **_PARTS},
    "daily_history": {
        **_DATE,
        **_TASKS,
        **_GRADES,
        "task_calculated_at": "when the tasks were added up; null: the task track never read the day",
        "task_sync_type": "window of the task track's read",
        "task_fetch_number": "the task track's read",
        "grade_calculated_at": "when the call records were counted; null: the grade track never read the day",
        "grade_sync_type": "window of the grade track's read",
        "grade_fetch_number": "the grade track's read",
        "updated_at": "when this row last changed",
    },
}
PERSONAL: Mapping[str, Mapping[str, str]] = {
    "call_records": {"phone_masked": "masked", "phone_hash": "hash"},
}
