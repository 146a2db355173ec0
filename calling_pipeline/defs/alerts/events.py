"""Reads what is new in Dagster's event log behind a cursor, each event once."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dagster import DagsterEventType, DagsterInstance, EventLogRecord, EventRecordsFilter

RESCAN = 200
"""Event ids looked at again: two writers may commit theirs out of order."""
BATCH = 500


@dataclass(frozen=True)
class Cursor:
    """`newest`: the newest id of the log when it was last read; `seen`: ids of ours among the last `RESCAN`.

    `quiet`: nothing was new at the last two looks, so that what is up to `newest` need not be looked at again.
    """

    newest: int
    seen: tuple[int, ...] = ()
    quiet: bool = False

    @classmethod
    def parse(cls, text: str | None, instance: DagsterInstance) -> Cursor:
        """The stored cursor; a first start looks again at what has just happened (a first sync, say), not at history."""
        if not text:
            return cls(instance.event_log_storage.get_maximum_record_id() or 0)
        kept = json.loads(text)
        if isinstance(kept, int):  # as version 0.2.0 wrote it
            return cls(kept)
        return cls(kept["newest"], tuple(kept["seen"]), kept["quiet"])

    def __str__(self) -> str:
        return json.dumps({"newest": self.newest, "seen": self.seen, "quiet": self.quiet})


def new_events(
    instance: DagsterInstance, cursor: Cursor, wanted: Collection[DagsterEventType]
) -> tuple[list[EventLogRecord], Cursor]:
    """Events of the `wanted` types that were not read before, oldest first, and the cursor behind them.

    At most `BATCH` of each type; the rest comes with the next call. When nothing was written since, one small query.
    """
    storage = instance.event_log_storage
    newest = storage.get_maximum_record_id() or 0
    if cursor.quiet and newest <= cursor.newest:
        return [], cursor
    start = max(min(cursor.newest, newest) - RESCAN, 0)
    read = [
        storage.get_event_records(EventRecordsFilter(kind, after_cursor=start), limit=BATCH, ascending=True)
        for kind in wanted
    ]
    reached = min([newest, *(records[-1].storage_id for records in read if len(records) == BATCH)])
    seen = frozenset(cursor.seen)
    new = sorted((one for records in read for one in records if one.storage_id not in seen), key=lambda one: one.storage_id)
    new = [one for one in new if one.storage_id <= reached or reached == newest]
    return new, _behind(cursor, new, reached)


def _behind(cursor: Cursor, new: Sequence[EventLogRecord], reached: int) -> Cursor:
    ids = {*cursor.seen, *(one.storage_id for one in new)}
    recent = tuple(sorted(one for one in ids if one > reached - RESCAN))
    return Cursor(max(reached, *ids, 0) if ids else reached, recent, quiet=not new and reached <= cursor.newest)
