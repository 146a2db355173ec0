"""The period in ten numbers beside those of the period it is compared with."""

from __future__ import annotations

from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Figure, Note
from calling_pipeline.reports.gathering import Gathered, notes_on_days
from calling_pipeline.reports.records import Section


def summary(found: Gathered) -> Section:
    """Calls, orders and rates, each with the same of the compared period where that is known."""
    now, old = found.sums, found.before
    task, grade = old.task_days > 0, old.grade_days > 0
    connected_low, connected_high = wilson(min(now.connected, now.dialled), now.dialled)
    order_low, order_high = wilson(min(now.orders, now.records), now.records)
    figures = (
        Figure("dialled", now.dialled, "whole", old.dialled if task else None),
        Figure("connected", now.connected, "whole", old.connected if task else None),
        Figure(
            "connected_rate",
            share(now.connected, now.dialled),
            "percent",
            share(old.connected, old.dialled),
            connected_low,
            connected_high,
        ),
        Figure("records", now.records, "whole", old.records if grade else None),
        Figure("grade_9", now.grade_9, "whole", old.grade_9 if grade else None),
        Figure("grade_1", now.grade_1, "whole", old.grade_1 if grade else None),
        Figure("orders", now.orders, "whole", old.orders if grade else None),
        Figure(
            "order_rate", share(now.orders, now.records), "percent", share(old.orders, old.records), order_low, order_high
        ),
    )
    return Section("summary", figures=figures, notes=(*_notes(found), *notes_on_days(found)))


def _notes(found: Gathered) -> tuple[Note, ...]:
    compared, wanted = found.compared, len(found.compared.days)
    days = {"first": compared.first, "last": compared.last}
    daily = compared.kind == "daily"
    notes = [Note("compared_day" if daily else "compared", {"period": compared.label, **({} if daily else days)})]
    if found.sums.grade_days < len(found.period.days):
        notes.append(Note("known_days", {"known": found.sums.grade_days, "days": len(found.period.days)}, "warning"))
    if found.before.grade_days < wanted:
        notes.append(Note("compared_days", {"known": found.before.grade_days, "days": wanted}))
    return tuple(notes)
