"""Judgements made again and again: one alert when a condition turns bad, one per day meanwhile, one when it is good."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts import store
from calling_pipeline.alerts.records import Alert, Change, Condition, Severity, StoredCondition
from calling_pipeline.alerts.texts import days_named

REMIND_AFTER = dt.timedelta(hours=24)
REMIND_DAYS = 14
"""What is wrong with a day longer ago than this stays in the list of what is open, and is not announced again."""
_WORDS = {"failing": "Failing", "recovered": "Recovered"}
_TEXTS_SHOWN = 5
_Announced = tuple[Condition, int]
"""A condition and its id."""


def observe(connection: sa.Connection, condition: Condition) -> Change:
    """Save a judgement and record the alert it calls for, in the caller's transaction.

    Returns `failing` or `recovered` when an alert was recorded, else `quiet` or `old`. A condition that stays bad is
    announced again after a day; a judgement older than the saved one changes nothing.
    """
    return observe_all(connection, [condition])[0]


def observe_all(connection: sa.Connection, conditions: Sequence[Condition]) -> list[Change]:
    """Save judgements as `observe` does; what turned bad (or good) of one thing on several days is one alert.

    They are saved in the order of their names, so that two processes do not wait for each other. Returns the change of each,
    in the order given.
    """
    changes: list[Change] = ["quiet"] * len(conditions)
    groups: dict[tuple[str, str, str], list[_Announced]] = {}
    order = sorted(range(len(conditions)), key=lambda place: (conditions[place].name, conditions[place].event))
    for place in order:
        one = conditions[place]
        saved = store.save_judgement(connection, one, remind_after=REMIND_AFTER)
        changes[place] = saved.change
        if saved.change in _WORDS:
            groups.setdefault((saved.change, one.kind, _without_day(one)), []).append((one, saved.id))
    for (change, *_), announced in groups.items():
        store.record(connection, _alert(_WORDS[change], announced, good=change == "recovered"))
    return changes


def resolve(connection: sa.Connection, name: str, text: str) -> Change:
    """Say that the condition `name` is good now, when it is open; else nothing happens."""
    known = store.open_condition(connection, name)
    if known is None:
        return "quiet"
    return observe(connection, recovered(known, max(known.event + 1, moment()), text))


def recovered(known: StoredCondition, event: int, text: str = "") -> Condition:
    """The judgement that an open condition is good now; `text` in place of what was wrong."""
    return _again(known, failing=False, text=text or f"was: {known.text}", event=event)


def remind(connection: sa.Connection) -> int:
    """Announce again what is failing and was last announced a day ago, whether it is judged meanwhile or not.

    Returns the number of conditions. Several processes may do so at once.
    """
    first_day = days.today() - dt.timedelta(days=REMIND_DAYS)
    claimed = store.claim_reminders(connection, remind_before=days.now() - REMIND_AFTER, first_day=first_day)
    groups: dict[tuple[str, str], list[_Announced]] = {}
    for known in claimed:
        one = _again(known, failing=True, text=known.text, event=known.event)
        groups.setdefault((one.kind, _without_day(one)), []).append((one, known.id))
    for announced in groups.values():
        store.record(connection, _alert("Still failing", announced, key=f"#reminder:{days.now().isoformat()}"))
    return len(claimed)


def moment() -> int:
    """An `event` for a condition that is judged by the clock: milliseconds."""
    return int(days.now().timestamp() * 1000)


def _again(known: StoredCondition, *, failing: bool, text: str, event: int) -> Condition:
    return Condition(
        known.name, failing, known.severity, known.title, text, known.room, event, known.subject, known.day, "", known.link
    )


def _alert(word: str, announced: Sequence[_Announced], *, good: bool = False, key: str = "") -> Alert:
    """One alert about one condition, or about the same thing on several days."""
    first = announced[0][0]
    worst: Severity = "error" if any(one.severity == "error" for one, _ in announced) else first.severity
    named = days_named([one.day for one, _ in announced if one.day is not None])
    title = _without_day(first)
    if named and not (len(announced) == 1 and named in first.title):
        title = f"{title}, {named}"
    elif len(announced) == 1:
        title = first.title
    return Alert(
        key=f"{first.name}{key or f'#{first.event}'}",
        severity="info" if good else worst,
        title=f"{word}: {title}",
        text=_joined(one.text for one, _ in announced),
        room=first.room,
        kind=first.kind,
        link=first.link,
        about=tuple(number for _, number in announced),
    )


def _without_day(condition: Condition) -> str:
    """The title, by which the same thing on several days is recognised."""
    return condition.title.replace(str(condition.day), "…") if condition.day else condition.title


def _joined(texts: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(text for text in texts if text))
    more = [f"and {len(distinct) - _TEXTS_SHOWN} more"] if len(distinct) > _TEXTS_SHOWN else []
    return "\n".join([*distinct[:_TEXTS_SHOWN], *more])
