"""Taking over the technicians' old send_status file: the changes it calls sent are never sent again."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications.json_file import read_json
from calling_pipeline.notifications.outbox.records import Draft
from calling_pipeline.notifications.technicians import store
from calling_pipeline.notifications.technicians.records import TO_COMPANY, TO_ROBOT


def import_technicians(connection: sa.Connection, file: Path, *, by: str) -> int:
    """Note every change id of the file (an object of change id and status) as delivered; returns the messages noted.

    Its status does not matter: it was written before sending. Doing it again notes none. Raises `InvalidInput` for a file
    of another form.
    """
    document = read_json(file)
    if not isinstance(document, dict):
        raise InvalidInput(f"{file} must hold an object of change id and status")
    drafts = [
        (str(change_id).strip(), Draft(receiver, kind, "imported"))
        for change_id in document
        for kind, receiver in ((TO_COMPANY, "user:imported"), (TO_ROBOT, "robot:imported"))
    ]
    reason = "imported from the old send_status file"
    added = store.add_messages(connection, drafts, created_by=by, now=days.now(), state="delivered", reason=reason)
    note_act(connection, "notify.import", "messages:technicians", by=by, after={"file": file.name, "delivered": added})
    return added
