"""May this number be contacted now? The one gate, asked at the moment of the act by every room that contacts people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.contact_policy import rules, store
from calling_pipeline.contact_policy.records import Attempt, Facts, Policy, Verdict
from calling_pipeline.errors import Conflict

CHUNK = 500
"""Attempts judged at once: each number holds a lock of the server's lock table until the transaction ends."""


def check_and_record(connection: sa.Connection, attempt: Attempt, policy: Policy) -> Verdict:
    """Judge one attempt and, when it is allowed, record it in the caller's transaction.

    Exact under concurrency: of two transactions that ask about one number the second waits until the first ends, so
    commit before acting. Needs READ COMMITTED. Asking again with the same room and reference is allowed and counts once.
    Raises `Conflict` for a reference that was used for another number, `ValueError` for an instant without a time zone.
    """
    return check_and_record_many(connection, [attempt], policy)[0]


def check_and_record_many(connection: sa.Connection, attempts: Sequence[Attempt], policy: Policy) -> list[Verdict]:
    """`check_and_record` for many attempts in a few statements; verdicts in their order.

    Two attempts of one number count each other.
    """
    if not attempts:
        return []
    for attempt in attempts:
        if attempt.at.tzinfo is None:
            raise ValueError("an attempt's instant needs a time zone")
    policy = with_holidays(connection, policy, min(attempt.at for attempt in attempts))
    for start in range(0, len(attempts), CHUNK):
        store.lock_phones(connection, sorted({attempt.phone for attempt in attempts[start : start + CHUNK]}))
    known = store.facts(connection, attempts, policy.depth)
    verdicts, granted = _judge_in_turn(attempts, known, policy)
    if granted and store.record(connection, granted) != len(granted):
        raise Conflict("one reference was used for two different contact attempts at once")
    return verdicts


def wait_for_others(connection: sa.Connection, phone: str) -> None:
    """Wait until every other transaction that asks about `phone` has ended; those that ask from now on wait for this one."""
    store.lock_phones(connection, [phone])


def check(connection: sa.Connection, attempt: Attempt, policy: Policy) -> Verdict:
    """The verdict of `check_and_record`, without recording anything and without making anybody wait."""
    policy = with_holidays(connection, policy, attempt.at)
    return rules.judge(policy, store.facts(connection, [attempt], policy.depth)[0], attempt.at)


def check_under(connection: sa.Connection, attempt: Attempt, policies: Sequence[Policy]) -> list[Verdict]:
    """`check` under each of several policies, in their order; what is known of the number is read once."""
    if not policies:
        return []
    holidays = store.holidays(connection, days.day_of(attempt.at))
    facts = store.facts(connection, [attempt], max(policy.depth for policy in policies))[0]
    closing = [replace(one, holidays=one.holidays | holidays) if one.closed_on_holidays else one for one in policies]
    return [rules.judge(policy, facts, attempt.at) for policy in closing]


def collect_refusals(connection: sa.Connection, policy: Policy, at: dt.datetime) -> None:
    """Make the temporary table `contact_refusals(phone, rule)`, for planning.

    It holds every number that the list, a cap or the minimum gap would refuse at `at`, and is dropped when the transaction
    ends. The gate is asked again at the moment of the act.
    """
    caps = [("rolling_cap", cap.limit, at - dt.timedelta(seconds=cap.within_s)) for cap in policy.rolling]
    just_before = dt.timedelta(microseconds=1)
    caps += [("calendar_cap", cap.limit, rules.period_start(cap.period, at) - just_before) for cap in policy.calendar]
    if policy.minimum_gap_s:
        caps.insert(0, ("minimum_gap", 1, at - dt.timedelta(seconds=policy.minimum_gap_s)))
    store.collect_refusals(connection, at, caps)


def withdraw(connection: sa.Connection, room: str, reference: str) -> bool:
    """Withdraw an attempt that certainly did not happen, so that it no longer counts; False when there was none."""
    return store.withdraw(connection, room, [reference]) > 0


def withdraw_many(connection: sa.Connection, room: str, references: Sequence[str]) -> int:
    """`withdraw` for many; returns how many there were."""
    return store.withdraw(connection, room, references) if references else 0


def with_holidays(connection: sa.Connection, policy: Policy, at: dt.datetime) -> Policy:
    """The policy with the stored holidays from the day of `at` on, when it is closed on holidays."""
    if not policy.closed_on_holidays:
        return policy
    return replace(policy, holidays=policy.holidays | store.holidays(connection, days.day_of(at)))


def _judge_in_turn(
    attempts: Sequence[Attempt], known: Sequence[Facts], policy: Policy
) -> tuple[list[Verdict], list[Attempt]]:
    """Verdicts in order, and the attempts to record. What is granted counts for those after it."""
    verdicts: list[Verdict] = []
    granted: list[Attempt] = []
    earlier: dict[str, list[Attempt]] = {}
    references: set[tuple[str, str]] = set()
    for attempt, facts in zip(attempts, known, strict=True):
        if facts.recorded_phone is not None or (attempt.room, attempt.reference) in references:
            _refuse_other_number(attempt, facts, earlier)
            verdicts.append(rules.ALLOWED)
            continue
        verdict = rules.judge(policy, _counting(facts, attempt, earlier.get(attempt.phone, [])), attempt.at)
        if verdict.allowed:
            granted.append(attempt)
            references.add((attempt.room, attempt.reference))
            earlier.setdefault(attempt.phone, []).append(attempt)
        verdicts.append(verdict)
    return verdicts, granted


def _refuse_other_number(attempt: Attempt, facts: Facts, earlier: dict[str, list[Attempt]]) -> None:
    same_here = any(before.reference == attempt.reference for before in earlier.get(attempt.phone, []))
    if facts.recorded_phone == attempt.phone or same_here:
        return
    raise Conflict(f"{attempt.room} used the reference {attempt.reference} before, for another number")


def _counting(facts: Facts, attempt: Attempt, earlier: Sequence[Attempt]) -> Facts:
    if not earlier:
        return facts
    recent = tuple(sorted((*facts.recent, *(before.at for before in earlier)), reverse=True))
    pairs = [before.at for before in earlier if attempt.caller is not None and before.caller == attempt.caller]
    pair_last = max([*pairs, *([facts.pair_last] if facts.pair_last else [])], default=None)
    return replace(facts, recent=recent, pair_last=pair_last)
