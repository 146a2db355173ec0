"""Puts what is kept of a day in order: fetch proofs, held reads, refreshes. The statements are the stores'."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.changes.records import Change, ChangeKind
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.records import FetchProof, HeldDay, Track
from calling_pipeline.call_stats.refreshes import store as refreshes
from calling_pipeline.call_stats.refreshes.records import Refresh, changed, ordered

_PUBLISHED = "published_by"
_AROUND_A_REFRESH = dt.timedelta(seconds=5)
"""The clocks of a refresh and of the read that it made may be of two machines."""


def changes_of(connection: sa.Connection, track: Track, day: dt.date) -> list[Change]:
    """What happened to the day, newest first, as far as it is kept: the proofs of superseded reads are, for two weeks."""
    return in_order(
        track,
        store.proofs_of(connection, track, day),
        held_store.of_day(connection, track, day),
        refreshes.of_day(connection, track, day),
        running=refreshes.newest(connection, track, day).under_way,
    )


def in_order(
    track: Track, proofs: Sequence[FetchProof], held: Sequence[HeldDay], asked: Sequence[Refresh], *, running: bool
) -> list[Change]:
    """The changes of one day, newest first, each with what it changed of the numbers before. Pure.

    `running`: the newest of the refreshes without an outcome is under way, and no change yet.
    """
    decided = {one.fetch_number: one for one in held}
    found = [
        *(_of_proof(one, decided.get(one.fetch_number), asked) for one in proofs),
        *(_of_held(one) for one in held if one.state != "published"),
        *_of_refreshes(track, asked, running=running),
    ]
    found.sort(key=lambda one: one.at)
    done, before = [], None
    for one in found:
        done.append(replace(one, differs=_differs(before, one.numbers)))
        before = one.numbers if one.publishes else before
    return done[::-1]


def _of_proof(proof: FetchProof, held: HeldDay | None, asked: Sequence[Refresh]) -> Change:
    """A read that was published: at once when it ended, or later by a person's decision."""
    kind: ChangeKind = "read"
    at, by, said = proof.finished_at, _asked_by(proof, asked), [one["sentence"] for one in proof.warnings]
    if held is not None and held.state == "published":
        kind, by, said = "published", held.closed_by or "", [held.closing_reason or "", *_sentences(held)]
        at = max(at, held.closed_at or at)
    counted = proof.track == "grade"
    return Change(
        at=at,
        kind=kind,
        track=proof.track,
        sync_type=proof.sync_type,
        mode=proof.mode,
        rows_added=proof.rows_added if counted else None,
        rows_changed=proof.rows_changed if counted else None,
        rows_removed=proof.rows_removed if counted else None,
        numbers=_published(proof),
        by=by,
        said=tuple(one for one in said if one),
        run_id=proof.run_id,
    )


def _of_held(held: HeldDay) -> Change:
    kinds: Mapping[str, ChangeKind] = {"open": "held", "discarded": "discarded", "replaced": "replaced"}
    said = [held.closing_reason or "", *_sentences(held)]
    return Change(
        at=held.closed_at or held.held_at,
        kind=kinds[held.state],
        track=held.track,
        sync_type=held.proof.get("sync_type"),
        mode=held.proof.get("mode"),
        numbers=ordered(held.numbers),
        by=held.closed_by or "",
        said=tuple(one for one in said if one),
        run_id=held.proof.get("run_id", ""),
    )


def _of_refreshes(track: Track, asked: Sequence[Refresh], *, running: bool) -> Iterator[Change]:
    """Refreshes that brought nothing; the others are shown by the reads that they made."""
    for number, one in enumerate(asked):
        if one.outcome == "failed":
            yield Change(
                one.finished_at or one.started_at, "failed", track, sync_type="manual", by=one.by, said=(one.error or "",)
            )
        elif one.outcome is None and not (running and number == 0):
            yield Change(one.started_at, "interrupted", track, sync_type="manual", by=one.by)


def _asked_by(proof: FetchProof, asked: Sequence[Refresh]) -> str:
    """Who asked for the refresh within which the read was made."""
    if proof.sync_type != "manual":
        return ""
    for one in asked:
        ended = one.finished_at or one.started_at
        if one.started_at - _AROUND_A_REFRESH <= proof.started_at and proof.finished_at <= ended + _AROUND_A_REFRESH:
            return one.by
    return ""


def _sentences(held: HeldDay) -> list[str]:
    return [reason["sentence"] for reason in held.reasons if reason["severity"] == "hold"]


def _published(proof: FetchProof) -> Mapping[str, Any] | None:
    """The numbers of a read; a version before did not keep them, but the calls of the grade track."""
    if proof.numbers is not None or proof.track == "task":
        return ordered(proof.numbers) if proof.numbers else None
    return {"total_records": proof.stored_rows}


def _differs(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Mapping[str, tuple[Any, Any]] | None:
    """What changed, of the numbers that both have; None when nothing is known of one of them."""
    if before is None or now is None:
        return None
    both = before.keys() & now.keys()
    return changed({name: before[name] for name in before if name in both}, {name: now[name] for name in both})
