"""The columns of the task ledger's tables."""

from collections.abc import Mapping

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "task_ledger": {
        "task_id": "id of the unit of work, given by its caller",
        "feature": "what the work belongs to",
        "state": "pending, completed or failed",
        "credits": "what its completion costs",
        "free": "whether its completion is charged nothing",
        "details": "what the saves said about it, merged",
        "created_at": "when it was first saved",
        "created_by": "who saved it first",
        "updated_by": "who last changed something",
        "account": "whose it is, as its first save named it; null: whoever saved it first",
    },
    "task_usage": {
        "date": "business day (Asia/Shanghai)",
        "feature": "what the tasks belong to",
        "created": "tasks first saved that day",
        "completed": "tasks completed that day",
        "failed": "tasks that failed that day and are failed now",
        "charges": "acts charged that day",
        "credits": "credits charged that day",
        "refusals": "refused moves and refused charges of that day",
        "calculated_at": "when the day was counted",
    },
}
