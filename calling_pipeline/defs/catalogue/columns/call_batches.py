"""The columns of the call batches' tables."""

from collections.abc import Mapping

_CUSTOMER = {
    "staff_name": "name of the member of staff that the source row names",
    "sys_name": "system that the source row comes from",
    "order_type": "kind of work order in the source row",
}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "calling_tasks": {
        "id": "number of the calling task",
        "name": "unique name, used by commands and on pages",
        "source_schema": "database schema of the source table",
        "source_table": "table or view whose rows are called",
        "staff_name": "column of the source table that holds the member of staff",
        "sys_name": "column of the source table that holds the originating system",
        "order_type": "column of the source table that holds the kind of work order",
        "order_nums": "column of the source table that holds the number of orders",
        "enabled": "whether its ticks are planned",
        "remark": "note of whoever set it up",
        "recall_days": "days after which a called number may be called again; null: never again",
        "rate_per_s": "pushes per second at most; null: the setting's",
        "policy": "rules of the contact policy that differ for this task",
        "created_at": "when it was set up",
        "updated_at": "when it was last changed",
        "redial": "redial rules: which result, after how many hours, how often at most",
        "land_lines": "whether it calls land lines too",
        "row_key": "column of the source table that holds its own key",
    },
    "call_tasks": {
        "id": "number of the batch call",
        "batch_id": "the call batch it belongs to",
        **_CUSTOMER,
        "order_nums": "orders of the person in the source row; of duplicate numbers the row with most is called",
        "state": "pending, pushing, pushed, refused, failed, unknown or skipped",
        "not_before": "a put-off call is not claimed before this instant",
        "claimed_at": "when a process last claimed it",
        "resp_code": "the gateway's answer code to the last push",
        "row_key": "the source's own key of the row, by which results are joined back",
        "redial": "the redial rule, by its result, that judged the number's last call",
        "redial_of": "the batch call that it redials; null: it is no redial",
    },
    "call_log": {
        "id": "order in which the rows were added",
        "call_task_id": "the batch call that was pushed",
        "batch_id": "the call batch of that batch call",
        "phone": "number that was pushed, canonical",
        "distinct_id": "key under which the gateway knows the push",
        "attempt": "number of the claim, from 1",
        "outcome": "pushed, refused, failed, not_sent, unknown, settled_pushed or settled_retry",
        "resp_code": "the gateway's answer code",
        "message": "the gateway's answer, or what went wrong",
        "http_status": "HTTP status of the gateway's answer",
        "sent_at": "when the request was sent; null: it never was",
        "answered_at": "when the answer arrived",
        "recorded_at": "when this row was added",
        "recorded_by": "run or person that recorded it",
    },
    "call_history": {
        "phone": "number that was called, canonical",
        "first_called_at": "its first call",
        "last_called_at": "its newest call",
        "calls": "how often it was called",
        "last_batch_id": "batch of the newest call",
        "last_call_task_id": "batch call of the newest call",
    },
}
PERSONAL: Mapping[str, Mapping[str, str]] = {
    "call_tasks": {"phone": "phone", "raw": "phone", "staff_name": "name"},
    "call_log": {"phone": "phone"},
    "call_history": {"phone": "phone"},
}
