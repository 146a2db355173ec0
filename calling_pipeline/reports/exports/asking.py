"""Asking for a large export and fetching its file: the same rules at every door."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import Language, Room
from calling_pipeline.access.secret import same
from calling_pipeline.database import locks
from calling_pipeline.errors import Conflict, Forbidden, InvalidInput, NotFound
from calling_pipeline.reports.exports import store
from calling_pipeline.reports.exports.records import FILTERS, FORMATS, REPORT, YES_OR_NO, Export, Wanted
from calling_pipeline.reports.records import Stored
from calling_pipeline.settings import Role

MOST_DAYS = 31
MOST_UNFINISHED = 3
"""Exports of one person that are still to be written."""
ROLE: Role = "operator"
ROOM: Room = "statistics"
_LONGEST = 200


def wanted_of(
    first: str,
    last: str,
    format: str,
    language: Language,
    filters: Mapping[str, str],
    *,
    oldest: dt.date,
    names: tuple[str, str] = ("from", "to"),
) -> Wanted:
    """What is asked for, checked. `oldest`: the first day whose call records may be kept.

    Raises `InvalidInput` for days that are none or more than 31, a format or filter that there is not.
    """
    begin, end = (days.day_asked(text, field=name) for text, name in zip((first, last), names, strict=True))
    if not begin <= end <= days.today():
        raise InvalidInput(f"{begin} to {end} is no range of days up to today", field=names[0])
    if begin < oldest:
        raise InvalidInput(f"call records are kept from {oldest} on; {begin} is before it", field=names[0])
    if (end - begin).days >= MOST_DAYS:
        raise InvalidInput(f"an export has {MOST_DAYS} days at most; these are {(end - begin).days + 1}", field=names[1])
    if format not in FORMATS:
        raise InvalidInput(f"there is no format {format[:20]!r}; there are: {', '.join(FORMATS)}", field="format")
    kept = {name: value.strip() for name, value in filters.items() if value.strip()}
    for name, value in kept.items():
        if name not in FILTERS:
            raise InvalidInput(f"there is no filter {name[:40]!r}; there are: {', '.join(FILTERS)}", field=name[:40])
        if name in YES_OR_NO and value not in ("yes", "no"):
            raise InvalidInput(f"{name} is yes or no; it was {value[:40]!r}", field=name)
        if len(value) > _LONGEST or "\x00" in value:
            raise InvalidInput(f"{name} has at most {_LONGEST} characters and no null character", field=name)
    return Wanted(begin, end, format, language, kept)


def wanted_of_report(stored: Stored, language: Language, *, oldest: dt.date) -> Wanted:
    """The workbook of a report with the call records of its days. Raises `InvalidInput` when these are no longer kept."""
    period = stored.period
    if period.first < oldest:
        raise InvalidInput(
            f"call records are kept from {oldest} on; {period.label} begins before it, its workbook has no rows to add",
            field="period",
        )
    last = min(period.last, days.today())
    return Wanted(period.first, last, "xlsx", language, {REPORT: str(stored.id)})


def ask(connection: sa.Connection, wanted: Wanted, *, by: str) -> Export:
    """Keep that the person `by` wants the export. Raises `Conflict` when three of theirs are still to be written."""
    locks.hold(connection, "exports of", by)
    unfinished = store.count_unfinished(connection, asked_by=by)
    if unfinished >= MOST_UNFINISHED:
        raise Conflict(f"{unfinished} exports of yours are still to be written; ask again when one is done")
    export_id = store.add(connection, wanted, by=by, now=days.now())
    after = {"from": wanted.first.isoformat(), "to": wanted.last.isoformat(), "format": wanted.format}
    note_act(connection, "export.ask", f"export:{export_id}", by=by, after={**after, "filters": dict(wanted.filters)})
    return store.by_id(connection, export_id)


def whose(caller: Caller) -> str | None:
    """The person whose exports this caller sees; None: an admin sees all."""
    return None if caller.role == "admin" else caller.name


def visible(connection: sa.Connection, export_id: int, caller: Caller) -> Export:
    """One export. Raises `NotFound` when there is none, and for who neither asked for it nor is an admin."""
    found = store.by_id(connection, export_id)
    if whose(caller) not in (None, found.asked_by):
        raise NotFound(f"there is no export {export_id}")
    return found


def link_secret(export: Export, key: bytes) -> str:
    """What the link to the file proves: that this server made it, for this file, and until when."""
    text = f"{export.id}:{export.digest}:{export.expires_at.isoformat() if export.expires_at else ''}"
    return hmac.new(key, text.encode(), sha256).hexdigest()[:32]


def fetched(
    connection: sa.Connection, export_id: int, caller: Caller, secret: str, *, key: bytes, folder: Path
) -> tuple[Export, Path]:
    """The export and its file, for who may have it; noted in the audit log.

    Raises `NotFound` for what is not theirs or gone, `Conflict` while it is not done, `Forbidden` for a link that is not
    ours and for a role that no longer suffices.
    """
    caller.require(ROLE, ROOM)
    export = visible(connection, export_id, caller)
    if export.state in store.UNFINISHED:
        raise Conflict(f"export {export_id} is not done: {export.percent} % are written")
    if export.state == "failed":
        raise Conflict(f"export {export_id} failed: {export.error}")
    if not same(secret, link_secret(export, key)):
        raise Forbidden("this link is not whole; take it from the list of exports")
    return export, file_of(connection, export, by=caller.name, folder=folder)


def file_of(connection: sa.Connection, export: Export, *, by: str, folder: Path) -> Path:
    """The file of an export that is done; who takes it is noted. Raises `NotFound` when it expired or is gone."""
    path = folder / (export.file or "")
    over = export.expires_at is None or export.expires_at <= days.now()
    if export.state != "done" or over or not path.is_file():
        raise NotFound(f"the file of export {export.id} is no longer kept; ask for it again")
    note_act(connection, "export.download", f"export:{export.id}", by=by, after={"file": export.name, "rows": export.rows})
    return path
