"""What is said beside the numbers of a range: days that are held, missing, not whole or not over. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Figure, Note
from calling_pipeline.analysis.statistics.records import Counted, Period


def notes_of(period: Period, before: Period | None = None) -> Sequence[Note]:
    """Over how many days the sums are; what is missing or not settled of them, and of the period before."""
    found = [Note("known_days", {"known": period.grade_days, "days": period.days})]
    if period.held:
        found.append(Note("held_days", {"count": period.held}, "warning"))
    if period.incomplete:
        found.append(Note("incomplete_days", {"count": period.incomplete}, "warning"))
    if period.missing:
        found.append(Note("missing_days", {"count": period.missing}, "warning"))
    if period.first <= period.today <= period.last:
        found.append(Note("under_way", {"day": period.today}))
    if before is not None and before.grade_days != period.grade_days:
        found.append(Note("before_days", {"known": before.grade_days, "now": period.grade_days}))
    return found


def order_figures(period: Period, before: Period) -> Sequence[Figure]:
    """Records, orders and the order rate, beside the period before where that is known."""
    counts = ("records", "orders", "grade_9", "grade_1")
    return _beside(period, before, counts, ("order_rate", "orders", "records"), known=before.grade_days > 0)


def dialled_figures(period: Period, before: Period) -> Sequence[Figure]:
    """Dialled and connected calls by dialling task, beside the period before where that is known."""
    counts = ("dialled", "connected")
    return _beside(period, before, counts, ("connected_rate", "connected", "dialled"), known=before.task_days > 0)


def _beside(
    period: Period, before: Period, counts: Sequence[str], rate: tuple[str, str, str], *, known: bool
) -> Sequence[Figure]:
    """These counts, and a rate with its interval: its name, and which count it is of which."""
    name, part, whole = rate
    now, old = ((getattr(one, part), getattr(one, whole)) for one in (period, before))
    sums = (Figure(one, getattr(period, one), "whole", getattr(before, one) if known else None) for one in counts)
    return (*sums, Figure(name, share(*now), "percent", share(*old), *wilson(*now)))


def counted_notes(period: Period, counted: Counted, before: Counted) -> Sequence[Note]:
    """As `notes_of`, for sums that are over the counted days."""
    found = [one for one in notes_of(period) if one.name != "known_days"]
    found.insert(0, Note("counted_days", {"counted": counted.days, "days": period.days}))
    if counted.days < period.grade_days:
        found.append(Note("uncounted_days", {"count": period.grade_days - counted.days}, "warning"))
    if before.days != counted.days:
        found.append(Note("before_days", {"known": before.days, "now": counted.days}))
    return found


def counted_figures(counted: Counted, before: Counted) -> Sequence[Figure]:
    """Calls, connected calls and orders of the counted days with their rates, beside the period before."""
    known = before.days > 0
    connected, ordered = wilson(counted.connected, counted.calls), wilson(counted.orders, counted.calls)
    return (
        Figure("calls", counted.calls, "whole", before.calls if known else None),
        Figure("connected", counted.connected, "whole", before.connected if known else None),
        Figure(
            "connected_rate",
            share(counted.connected, counted.calls),
            "percent",
            share(before.connected, before.calls),
            *connected,
        ),
        Figure("orders", counted.orders, "whole", before.orders if known else None),
        Figure("order_rate", share(counted.orders, counted.calls), "percent", share(before.orders, before.calls), *ordered),
        Figure("talk_s", counted.talk_s, "seconds", before.talk_s if known else None),
    )
