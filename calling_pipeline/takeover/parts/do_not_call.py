"""Do-not-call lists: one entry per number and source, in every spelling."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.contact_policy import store
from calling_pipeline.contact_policy.do_not_call import LONGEST_SOURCE, end_of
from calling_pipeline.masking import mask_digits
from calling_pipeline.phones import read_phone
from calling_pipeline.takeover import values
from calling_pipeline.takeover.job import Job, Work
from calling_pipeline.takeover.mapping import Section
from calling_pipeline.takeover.records import Counts, Row

SOURCE = "taken over"
"""Who asked for entries that name nobody."""
Entry = tuple[str, dt.datetime | None, str]


def take(job: Job, connection: sa.Connection, section: Section, rows: Sequence[Row], counts: Counts) -> None:
    """Take entries; of a number several times the longest prohibition. One that is over stays out."""
    counts.rows_read += len(rows)
    now, wanted = days.now(), defaultdict[str, dict[str, Entry]](dict)
    for row in rows:
        fields = section.fields(row)
        reading = read_phone(values.text(fields.get("phone")))
        if reading.phone is None:
            counts.refuse(reading.kind)
            continue
        said = values.text(fields.get("expires"))
        until = end_of(values.day(fields.get("expires")))
        if said and until is None:
            counts.note("expiry_unread", "taken as permanent")
        if until is not None and until <= now:
            counts.refuse("expired")
            continue
        source = (values.text(fields.get("source")) or SOURCE)[:LONGEST_SOURCE]
        entry = (reading.phone, until, mask_digits(values.text(fields.get("note")) or ""))
        before = wanted[source].setdefault(reading.phone, entry)
        if before is not entry:
            counts.refuse("repeated")
            if before[1] is not None and (until is None or until > before[1]):
                wanted[source][reading.phone] = entry
    for source, entries in wanted.items():
        changed = store.block(connection, list(entries.values()), source=source, by=job.by, now=now)
        counts.taken += len(changed)
        counts.already_there += len(entries) - len(changed)
        if changed:
            after = {"source": source, "new": sum(changed.values()), "changed": len(changed) - sum(changed.values())}
            note_act(connection, "do_not_call.import", f"do_not_call_source:{source}", by=job.by, after=after)


WORK = Work("do_not_call", ("do_not_call",), take)
