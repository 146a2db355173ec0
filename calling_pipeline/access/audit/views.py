"""How the audit log is asked and shown, for every door."""

from __future__ import annotations

import datetime as dt
import json

from calling_pipeline import days
from calling_pipeline.access.audit.records import Entry


def span(first: str | None, last: str | None, *, names: tuple[str, str]) -> tuple[dt.datetime | None, dt.datetime | None]:
    """The instants between which acts are looked for, from two days, both included; None: no limit.

    Raises `InvalidInput` naming the one of `names` that is no day.
    """
    since = days.day_bounds(days.day_asked(first, field=names[0]))[0] if first else None
    until = days.day_bounds(days.day_asked(last, field=names[1]))[1] if last else None
    return since, until


def changes(entry: Entry) -> str:
    """What the act changed, in one line: `state: paused → waiting`; what it was about alone where nothing was before."""
    if entry.before is None:
        return "; ".join(f"{name}: {_shown(value)}" for name, value in (entry.after or {}).items())
    before, after = entry.before or {}, entry.after or {}
    names = [*before, *(name for name in after if name not in before)]
    return "; ".join(f"{name}: {_shown(before.get(name))} → {_shown(after.get(name))}" for name in names)


def _shown(value: object) -> str:
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
