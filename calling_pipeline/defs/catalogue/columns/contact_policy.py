"""The columns of the contact policy's tables."""

from collections.abc import Mapping

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "do_not_call": {
        "phone": "number that nobody may contact, canonical",
        "source": "where the entry comes from: complaint, regulator, customer, …",
        "expires_at": "when the entry ends; null: permanent",
        "note": "remark of whoever added it",
        "added_by": "who added it",
        "added_at": "when it was added",
        "ended_by": "who ended it at expires_at; empty: nobody",
        "ended_why": "why, in that person's words",
    },
    "contact_attempts": {
        "id": "order in which the attempts were allowed",
        "phone": "number that was contacted, canonical",
        "room": "room that asked: call_batches or telephony",
        "reference": "the room's own id of the call",
        "caller": "line or extension that called; null where no rule asks for it",
        "tenant": "as tenant_id, in rows of the version before",
        "at": "when the attempt was allowed",
        "tenant_id": "tenant on whose behalf; null for batches",
    },
}
PERSONAL: Mapping[str, Mapping[str, str]] = {
    "do_not_call": {"phone": "phone", "note": "free_text", "ended_why": "free_text"},
    "contact_attempts": {"phone": "phone"},
}
