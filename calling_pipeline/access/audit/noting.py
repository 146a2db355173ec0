"""Notes an act of a person in the audit log, in the transaction that did it: an act that is rolled back leaves no row.

Every room notes its acts here, whichever door asked. `act` is `noun.verb` (`batch.pause`), `subject` is `noun:id`
(`batch:17`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit import store
from calling_pipeline.access.audit.door import current_door
from calling_pipeline.masking import mask_digits


def note_act(
    connection: sa.Connection,
    act: str,
    subject: str,
    *,
    by: str,
    reason: str = "",
    tenant_id: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Keep that the person `by` did `act` to `subject`, and what changed.

    `before` and `after` are JSON values without a secret. Telephone numbers in their texts and in `reason` are masked here.
    Without a name (`by` is empty) it is the program's own act.
    """
    store.add(
        connection,
        at=days.now(),
        person=by or "program",
        door=current_door(),
        act=act,
        subject=subject,
        tenant_id=tenant_id,
        reason=mask_digits(reason.strip()),
        before=_masked(before),
        after=_masked(after),
    )


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_digits(value)
    if isinstance(value, Mapping):
        return {name: _masked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value
