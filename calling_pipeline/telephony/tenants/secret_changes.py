"""When each secret of a configuration was last changed, as the audit log has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from calling_pipeline.access.audit import store as audit_store
from calling_pipeline.access.audit.records import Entry
from calling_pipeline.telephony.tenants.accounts import SECRETS

_MOST_ACTS = 200


def secret_changes(connection: sa.Connection, config_id: int) -> dict[str, dt.datetime]:
    """Name of the secret → when it was last changed; a secret whose change is too long ago to be found is left out."""
    entries, _ = audit_store.entries(connection, subject=f"config:{config_id}", limit=_MOST_ACTS)
    return last_changes(entries)


def last_changes(entries: Iterable[Entry]) -> dict[str, dt.datetime]:
    """The same from the configuration's acts, the newest first."""
    found: dict[str, dt.datetime] = {}
    for entry in entries:
        for name in _changed(entry.act, entry.before or {}, entry.after or {}):
            found.setdefault(name, entry.at)
    return found


def _changed(act: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterable[str]:
    if act == "config.create":
        return SECRETS
    if act == "config.rotate_secret":
        return ("callback_secret",)
    if act != "config.change":
        return ()
    noted = after.get("changed_secrets")
    # Acts from before that was noted show the last letters of each secret.
    return noted if isinstance(noted, list) else [name for name in SECRETS if before.get(name) != after.get(name)]
