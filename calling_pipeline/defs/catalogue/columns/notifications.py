"""The columns of the two outboxes."""

from collections.abc import Mapping

_MESSAGE = {
    "id": "order of sending within a receiver",
    "body": "text of the message, at most 2048 bytes",
    "metadata": "subject, source file or change, and what made the message",
    "state": "pending, sending, delivered, unknown, dead or abandoned",
    "due_at": "not sent before this instant",
    "claimed_at": "when a dispatcher last claimed it",
    "last_error": "why the last attempt failed",
    "created_at": "when it was generated",
}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "contract_messages": {
        **_MESSAGE,
        "contract_id": "contract that the message is about",
        "kind": "send_wecom_message (group message) or send_wechat_message (award message)",
    },
    "technician_messages": {
        **_MESSAGE,
        "change_id": "technician's status change that the message is about",
        "kind": "company (to the company's contact) or robot (to the robot's group)",
    },
}
_PERSONAL = {"receiver": "name", "body": "free_text", "metadata": "free_text"}
PERSONAL: Mapping[str, Mapping[str, str]] = {"contract_messages": _PERSONAL, "technician_messages": _PERSONAL}
