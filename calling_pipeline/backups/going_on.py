"""How a restored system goes on. What was called or sent since the backup is not in it, and no software can know.

A restore holds everything back that goes out. A person says for calls, and apart from them for messages, what is known:
which numbers were called since, or that nobody was; that nothing was sent since, or that what waits may have been sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.backups import store
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import HistoryRow, ImportReport
from calling_pipeline.errors import Conflict, InvalidInput
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.outgoing import holding
from calling_pipeline.outgoing.records import Act, Hold
from calling_pipeline.reports.mail import store as mail_store

KIND = "restored"
Subject = Literal["calls", "messages"]
_ACTS: dict[Subject, tuple[Act, ...]] = {"calls": ("batches", "clicks"), "messages": ("messages", "mails")}
_HARMLESS = frozenset({"unchanged", "repeated", "never_called"})
_CONDITION = "restored"


@dataclass(frozen=True)
class WentOn:
    """What goes on: the acts that were held; how many numbers the history learned; how many messages are unknown now."""

    acts: tuple[Act, ...]
    called: ImportReport | None = None
    unknown: int = 0


def hold_everything(connection: sa.Connection, made_at: dt.datetime, *, by: str) -> None:
    """Hold back calls and messages of a database that is restored from a backup of `made_at`, and raise an alert."""
    since = days.wall_clock(made_at)
    for subject, acts in _ACTS.items():
        what = "called" if subject == "calls" else "sent"
        sentence = (
            f"restored from a backup of {since}, so what was {what} since then is not known: a person says how to go on with"
            f" `calling-pipeline go-on {subject}` or on the page Today"
        )
        holding.lift(connection, KIND, by=by, reason="a newer restore", acts=acts)
        holding.hold(connection, KIND, sentence, by=by, acts=acts, since=made_at)
    text = f"Restored from a backup of {since}. Calls, messages and mails are held back until a person says how to go on."
    conditions.observe(connection, _condition(text, failing=True))


def waiting(connection: sa.Connection) -> dict[Subject, Hold]:
    """What a person still has to decide about: subject → the hold that stands."""
    standing = {one.act: one for one in holding.holds(connection) if one.kind == KIND}
    return {subject: standing[acts[0]] for subject, acts in _ACTS.items() if acts[0] in standing}


def go_on_calling(
    connection: sa.Connection,
    *,
    called_since: Iterable[HistoryRow] | None,
    by: str,
    reason: str,
    source: str = "called after the backup",
) -> WentOn:
    """Let batches and clicks go on. `called_since`: the numbers called since the backup; None: nobody was called.

    Those numbers are called before from then on, in batches that were planned too, and count for caps; one without a time
    counts as called now. Raises `Conflict` when nothing is held, `InvalidInput` without a reason and for a list with rows
    that name no number: none is lost unseen.
    """
    hold = _held(connection, "calls", reason)
    report = None
    if called_since is not None:
        rows = _called_by_now(called_since, days.now())
        report = import_history(connection, rows, source=source, by=by, reason=reason)
        unread = {why: rows for why, rows in report.reasons.items() if why not in _HARMLESS}
        if unread:
            lines = ", ".join(str(row.line) for row in report.examples[:10])
            raise InvalidInput(
                f"{sum(unread.values())} rows name no number that can be read ({', '.join(sorted(unread))}; lines {lines});"
                " mend or delete them: nothing was taken and nothing goes on",
                field="called_since",
            )
        if not report.read:
            raise InvalidInput("the list is empty; say that nobody was called, if that is so", field="called_since")
        store.count_attempts(connection, source, hold.since)
    after = {"called_since": report.read if report else 0, "taken": report.taken if report else 0}
    return WentOn(_lifted(connection, "calls", by=by, reason=reason, after=after), report)


def go_on_sending(connection: sa.Connection, *, may_have_been_sent: bool, by: str, reason: str) -> WentOn:
    """Let messages and mails go on. With `may_have_been_sent` what waits now is unknown and settled by hand, one by one.

    Raises `Conflict` when nothing is held, `InvalidInput` without a reason.
    """
    _held(connection, "messages", reason)
    unknown = 0
    if may_have_been_sent:
        why = "it waited in a backup that was restored, and may have been sent since"
        unknown = sum(len(outbox.hold_waiting(connection, by=by, why=why)) for outbox in OUTBOXES.values())
        unknown += len(mail_store.hold_waiting(connection, by=by, why=why))
    after = {"may_have_been_sent": may_have_been_sent, "unknown": unknown}
    return WentOn(_lifted(connection, "messages", by=by, reason=reason, after=after), unknown=unknown)


def _called_by_now(rows: Iterable[HistoryRow], now: dt.datetime) -> Iterator[HistoryRow]:
    """The rows; one without a time, or with one that is still to come, was called now at the latest.

    An import alone would leave such a number at the time that an earlier import said of it.
    """
    for row in rows:
        at = row.last_called_at or row.updated_time
        if at is None:
            yield row._replace(last_called_at=now, remark=row.remark or "time_missing")
        elif (at if at.tzinfo is not None else at.replace(tzinfo=days.SHANGHAI)) > now:
            yield row._replace(last_called_at=now, remark="time_ahead")
        else:
            yield row


def _held(connection: sa.Connection, subject: Subject, reason: str) -> Hold:
    hold = waiting(connection).get(subject)
    if hold is None:
        raise Conflict(f"no restore holds {subject} back")
    if not reason.strip():
        raise InvalidInput("say in a reason how you know", field="reason")
    return hold


def _lifted(
    connection: sa.Connection, subject: Subject, *, by: str, reason: str, after: Mapping[str, object]
) -> tuple[Act, ...]:
    acts = holding.lift(connection, KIND, by=by, reason=reason, acts=_ACTS[subject])
    note_act(connection, "backup.go_on", f"backup:{subject}", by=by, reason=reason, after=after)
    if not waiting(connection):
        conditions.resolve(connection, _CONDITION, "a person said how to go on")
    return tuple(acts)


def _condition(text: str, *, failing: bool) -> Condition:
    return Condition(
        name=_CONDITION,
        failing=failing,
        severity="error",
        title="nothing waits for a decision after a restore",
        text=text,
        room="status",
        event=conditions.moment(),
    )
