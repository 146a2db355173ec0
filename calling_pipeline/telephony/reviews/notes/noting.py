"""A reviewer's score and remark about a call. Several reviewers may note; a changed opinion keeps the one before."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.database import locks
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.reviews.notes import store
from calling_pipeline.telephony.reviews.notes.records import HIGHEST, LOWEST, Note

LONGEST_REMARK = 1000


def note_quality(
    connection: sa.Connection, record_id: int, tenant_id: int, *, score: int, remark: str, who: str
) -> list[Note]:
    """Keep what `who` thinks of a call that exists; the notes about it. Raises `InvalidInput`."""
    if not LOWEST <= score <= HIGHEST:
        raise InvalidInput(f"score is a whole number from {LOWEST} to {HIGHEST}", field="score")
    plain, now = remark.strip(), days.now()
    if len(plain) > LONGEST_REMARK or "\x00" in plain:
        raise InvalidInput(f"remark has at most {LONGEST_REMARK} printable characters", field="remark")
    locks.hold(connection, "quality notes", record_id)
    before = store.replace(connection, record_id, who, now)
    store.add(connection, record_id, tenant_id, reviewer=who, score=score, remark=plain, now=now)
    note_act(
        connection,
        "call.review",
        f"call:{record_id}",
        by=who,
        tenant_id=tenant_id,
        before=None if before is None else {"score": before},
        after={"score": score},
    )
    return store.of_call(connection, record_id)
