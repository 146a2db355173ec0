"""Releases an extension by hand: its open call ends as `unknown`, and the audit log says who did it."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.errors import NotFound
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.tenants import store as tenant_store


def release_extension(
    connection: sa.Connection, extension_id: int, fence: int | None, *, reason: str = "", who: str
) -> bool:
    """Release one extension. False, and nothing changed, when it is not in use, or not under the token `fence`.

    Raises `NotFound` for an unknown extension.
    """
    before = extensions.find(connection, extension_id)
    if before.state != "in_use" or (fence is not None and fence != before.fence):
        return False
    if not call_store.close(connection, extension_id, before.fence, days.now()):
        return False
    after = extensions.find(connection, extension_id)
    extensions.note(connection, who, "extension.release", before=before, after=after, reason=reason)
    return True


def release_collector(
    connection: sa.Connection, tenant_id: int, collector_id: int, *, reason: str = "", who: str
) -> list[int]:
    """Release what a collector holds; ids of the extensions released. Raises `NotFound` for an unknown collector."""
    if tenant_store.collector(connection, tenant_id, collector_id) is None:
        raise NotFound("there is no such collector")
    held = pool_store.held_by(connection, tenant_id, collector_id)
    return [
        extension.id
        for extension in held
        if release_extension(connection, extension.id, extension.fence, reason=reason, who=who)
    ]
