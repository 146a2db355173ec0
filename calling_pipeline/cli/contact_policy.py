"""`calling-pipeline policy`: the do-not-call list, holidays, and what the contact policy says of a number."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.contact_policy import do_not_call, gate, list_files, store
from calling_pipeline.contact_policy import holidays as holidays_of
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.masking import mask_phone
from calling_pipeline.phones import canonical_phone


@click.group()
def policy() -> None:
    """Who may not be contacted, and when nobody may be."""


@policy.group()
def dnc() -> None:
    """The do-not-call list. Numbers are masked in every output."""


_source = click.option("--source", default="manual", show_default=True, help="Who asked for it; one entry per source.")
_expires = click.option(
    "--expires", metavar="DATE", help="Last day of the entry, YYYY-MM-DD; without it the entry is permanent."
)


@dnc.command(cls=PipelineCommand)
@click.argument("phone")
@_source
@_expires
@click.option("--note", default="", help="Why.")
@click.pass_obj
def add(door: Door, phone: str, source: str, expires: str | None, note: str) -> Answer:
    """Put a number on the list.

    \b
    calling-pipeline policy dnc add 13812340000 --source complaint
    calling-pipeline policy dnc add 13812340000 --source customer --expires 2027-06-30 --note "asked for half a year"
    """
    with door.ready_runtime.transaction() as connection:
        changed = do_not_call.add(connection, phone, source=source, expires=_day(expires), note=note, by=acting_user())
    said = "is on the list now" if changed else "was on the list already"
    return Answer(
        {"phone": mask_phone(phone), "source": source, "changed": changed}, [f"{mask_phone(phone)} {said} ({source})"]
    )


@dnc.command(cls=PipelineCommand)
@click.argument("phone")
@click.option("--source", help="Only this source's entry; without it every one.")
@click.option("--reason", default="", help="Why; kept with the entry and in the audit log.")
@click.pass_obj
def remove(door: Door, phone: str, source: str | None, reason: str) -> Answer:
    """End a number's entries now. They stay, with their end: `dnc history` shows them."""
    with door.ready_runtime.transaction() as connection:
        removed = do_not_call.remove(connection, phone, source=source, by=acting_user(), reason=reason)
    if not removed:
        raise NotFound(f"{mask_phone(phone)} is not on the do-not-call list{f' of {source}' if source else ''}")
    return Answer({"phone": mask_phone(phone), "removed": removed}, [f"{mask_phone(phone)} removed ({removed} entries)"])


@dnc.command(cls=PipelineCommand)
@click.argument("phone")
@click.pass_obj
def history(door: Door, phone: str) -> Answer:
    """Show everything that ever stood on the list about a number, the newest first.

    \b
    calling-pipeline policy dnc history 13812340000
    """
    wanted, now = canonical_phone(phone), days.now()
    with door.ready_runtime.transaction() as connection:
        found = store.blocked(connection, now, phone=wanted, with_expired=True) + store.history(connection, wanted)
    entries = [{name: getattr(entry, name) for name in (*_SHOWN, *_ENDED)} for entry in found]
    columns = ["source", "from", "to", "added by", "note", "ended by", "why", "replaced"]
    rows = [
        [entry.source, _at(entry.added_at), _at(entry.expires_at), entry.added_by, entry.note, entry.ended_by,
         entry.ended_why, _at(entry.replaced_at)]
        for entry in found
    ]  # fmt: skip
    return Answer({"phone": mask_phone(wanted), "entries": entries}, [table(columns, rows)])


@dnc.command(name="list", cls=PipelineCommand)
@click.option("--source", help="Only this source.")
@click.option("--phone", help="Only this number.")
@click.option("--all", "with_expired", is_flag=True, help="Expired entries too.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.pass_obj
def list_entries(door: Door, source: str | None, phone: str | None, with_expired: bool, limit: int) -> Answer:
    """Show the list, newest entries first, and how many each source has."""
    now, wanted = days.now(), canonical_phone(phone) if phone else None
    with door.ready_runtime.transaction() as connection:
        found = store.blocked(connection, now, source=source, phone=wanted, with_expired=with_expired, limit=limit)
        counts = store.count_blocked(connection, now)
    entries = [{"phone": mask_phone(entry.phone), **{name: getattr(entry, name) for name in _SHOWN}} for entry in found]
    sources = [{"source": name, "entries": entries_of, "expired": expired} for name, entries_of, expired in counts]
    shown = table(["phone", "source", "expires", "note", "added"], [_row(entry) for entry in entries])
    lines = [shown, *(f"{item['source']}: {item['entries']} entries, {item['expired']} expired" for item in sources)]
    return Answer({"entries": entries, "sources": sources}, lines)


@dnc.command(name="import", cls=PipelineCommand)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_source
@_expires
@click.option("--dry-run", is_flag=True, help="Say what would be done with each line, and do nothing.")
@click.pass_obj
def import_list(door: Door, file: Path, source: str, expires: str | None, dry_run: bool) -> Answer:
    """Read numbers from FILE: a CSV with a column `phone` (and `expires`, `note`), or one number per line.

    \b
    calling-pipeline policy dnc import carrier-blacklist.csv --source carrier --expires 2026-12-31
    """
    with door.ready_runtime.transaction() as connection:
        done = list_files.import_file(
            connection, file, source=source, expires=_day(expires), by=acting_user(), dry_run=dry_run
        )
    lines = ["dry run: nothing was changed"] if dry_run else []
    lines += [
        f"{done.lines} lines: {done.new} new, {done.changed} changed, {done.unchanged} unchanged, {done.rejected} rejected"
    ]
    lines += [f"  line {item.line}: {item.phone} {item.reason}" for item in done.examples]
    return Answer(done, lines)


@policy.group()
def holidays() -> None:
    """Days on which a policy that is closed on holidays allows nothing."""


@holidays.command(name="add", cls=PipelineCommand)
@click.argument("day", metavar="DATE")
@click.option("--name", default="holiday", show_default=True)
@click.pass_obj
def add_holiday(door: Door, day: str, name: str) -> Answer:
    """Declare a day a holiday."""
    with door.ready_runtime.transaction() as connection:
        holidays_of.declare(connection, days.parse_day(day), name, by=acting_user())
    return Answer({"day": day, "name": name}, [f"{day} is a holiday: {name}"])


@holidays.command(name="remove", cls=PipelineCommand)
@click.argument("day", metavar="DATE")
@click.pass_obj
def remove_holiday(door: Door, day: str) -> Answer:
    """Make a day an ordinary one again."""
    with door.ready_runtime.transaction() as connection:
        holidays_of.withdraw(connection, days.parse_day(day), by=acting_user())
    return Answer({"day": day}, [f"{day} is an ordinary day"])


@holidays.command(name="list", cls=PipelineCommand)
@click.pass_obj
def list_holidays(door: Door) -> Answer:
    """Show every holiday."""
    with door.ready_runtime.transaction() as connection:
        found = store.all_holidays(connection)
    return Answer([{"day": day, "name": name} for day, name in found], [f"{day} {name}" for day, name in found])


@policy.command(cls=PipelineCommand)
@click.argument("phone")
@click.option("--policy", "document", default="{}", help='JSON as a calling task has it; {"preset": "considerate"}.')
@click.option("--caller", help="The line that would call.")
@click.pass_obj
def check(door: Door, phone: str, document: str, caller: str | None) -> Answer:
    """Say whether a number may be contacted now, and when else. Records nothing.

    \b
    calling-pipeline policy check 13812340000
    calling-pipeline policy check 13812340000 --policy '{"preset": "considerate"}'
    """
    wish = Attempt(canonical_phone(phone), "policy", "check", days.now(), caller)
    with door.ready_runtime.transaction() as connection:
        verdict = gate.check(connection, wish, policy_from(_json(document)))
    later = f"; allowed from {days.wall_clock(verdict.not_before)}" if verdict.not_before else ""
    said = "may be contacted now" if verdict.allowed else f"may not be contacted: {verdict.reason} ({verdict.rule}){later}"
    return Answer({"phone": mask_phone(wish.phone), "verdict": verdict}, [f"{mask_phone(wish.phone)} {said}"])


_ENDED = ("ended_by", "ended_why", "replaced_at")
_SHOWN = ("source", "expires_at", "note", "added_by", "added_at")


def _day(text: str | None) -> dt.date | None:
    return days.parse_day(text, field="--expires") if text else None


def _at(instant: dt.datetime | None) -> str:
    return days.wall_clock(instant) if instant else ""


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("--policy is not a JSON object", field="policy")
    return value


def _row(entry: dict[str, Any]) -> list[Any]:
    expires = entry["expires_at"]
    return [entry["phone"], entry["source"], f"{expires:%Y-%m-%d %H:%M}" if expires else "never", entry["note"],
            f"{entry['added_at']:%Y-%m-%d %H:%M}"]  # fmt: skip
