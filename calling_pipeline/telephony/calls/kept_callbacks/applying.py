"""Applies kept callbacks: by a person who replays one, or when Infinity says that the line of the call is idle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import Conflict, InvalidInput, NotFound, SecretUnreadable
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.kept_callbacks import store as kept_store
from calling_pipeline.telephony.records import CallbackOutcome, WaitingCallback
from calling_pipeline.vendors.infinity.callbacks import CallReport, decode


def replay(
    connection: sa.Connection,
    box: SecretBox,
    kept_id: int,
    *,
    corrections: Mapping[str, Any] | None = None,
    reason: str = "",
    who: str,
) -> CallbackOutcome:
    """Read a kept callback again, with a person's `corrections` (field → value), and apply it.

    Raises `NotFound`, `Conflict` for one that waits no more, and `InvalidInput` when it still cannot be read.
    """
    kept = _waiting(connection, kept_id)
    report = decode(kept_store.body_of(connection, box, kept), corrections)
    outcome = _apply(connection, box, kept, report, by=who)
    after = {"outcome": outcome, "corrections": dict(corrections or {})}
    _note(connection, "callback.replay", kept, who=who, reason=reason, after=after)
    return outcome


def drop(connection: sa.Connection, kept_id: int, *, reason: str, who: str) -> None:
    """Give a kept callback up; its body is deleted. Raises `NotFound`, `Conflict`, and `InvalidInput` without a reason."""
    if not reason.strip():
        raise InvalidInput("say why this callback is given up", field="reason")
    kept = _waiting(connection, kept_id)
    kept_store.close(connection, kept.id, outcome="given up", by=who, now=days.now())
    _note(connection, "callback.drop", kept, who=who, reason=reason, after=None)


def apply_unconfirmed(connection: sa.Connection, box: SecretBox, record_id: int) -> int:
    """Apply what callbacks without a signature said of a call whose line is idle now; how many settled or repeated it."""
    applied = 0
    for kept in kept_store.unconfirmed_of(connection, record_id):
        try:
            report = decode(kept_store.body_of(connection, box, kept))
        except (InvalidInput, SecretUnreadable):
            continue
        _apply(connection, box, kept, report, by="program")
        applied += 1
    return applied


def _apply(
    connection: sa.Connection, box: SecretBox, kept: WaitingCallback, report: CallReport, *, by: str
) -> CallbackOutcome:
    digest = hashlib.sha256(kept_store.body_of(connection, box, kept)).digest()
    done = call_store.keep_callback_within(
        connection, report, config_id=kept.config_id, body_digest=digest, signed_at=kept.signed_at
    )
    outcome: CallbackOutcome = "kept" if done.record_id is None or report.state == "unknown" else "already_settled"
    if done.settled and report.state != "unknown":
        outcome = "applied"
    kept_store.close(connection, kept.id, outcome=outcome, by=by, now=days.now())
    return outcome


def _waiting(connection: sa.Connection, kept_id: int) -> WaitingCallback:
    kept = kept_store.find(connection, kept_id, lock=True)
    if kept is None:
        raise NotFound("there is no such kept callback")
    if kept.closed_at is not None:
        raise Conflict(f"this callback waits no more: {kept.outcome} by {kept.closed_by}")
    return kept


def _note(
    connection: sa.Connection, act: str, kept: WaitingCallback, *, who: str, reason: str, after: Mapping[str, Any] | None
) -> None:
    before = {"reason": kept.reason, "sentence": kept.sentence, "call_uuid": kept.call_uuid}
    subject = f"kept_callback:{kept.id}"
    note_act(connection, act, subject, by=who, reason=reason, tenant_id=kept.tenant_id, before=before, after=after)
