"""The promises of the results, judged: facts in, findings out. `store.py` gathers the facts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from calling_pipeline.quality import Finding


@dataclass(frozen=True)
class ResultFacts:
    """A day's pushed calls and results. `summed`: what the sums of its batches have; `used_twice`: records in two results.

    `disagreeing`: results that differ from their call record, `examples` some of those records; `read_since`: whether a
    newer read of these call records waits to be joined.
    """

    joined_at: dt.datetime | None
    pushed: int
    connected: int
    not_connected: int
    not_dialled: int
    waiting: int
    summed: int
    used_twice: int
    disagreeing: int
    examples: str
    read_since: bool

    @property
    def results(self) -> int:
        """All results of the day."""
        return self.connected + self.not_connected + self.not_dialled + self.waiting


def every_pushed_call_has_one_result(facts: ResultFacts) -> Finding:
    """Pushed = connected + not connected + not dialled + waiting, call by call and in the sums of the batches."""
    numbers = {name: getattr(facts, name) for name in ("pushed", "connected", "not_connected", "not_dialled", "waiting")}
    if facts.joined_at is None and facts.pushed:
        return Finding(False, f"{facts.pushed} pushed calls were never joined with call records", (), numbers)
    missing, summed = facts.pushed - facts.results, facts.results - facts.summed
    if missing or summed:
        sentence = (
            f"{missing} pushed calls have no result, and the sums of the batches lack {summed}; run call_results again"
        )
        return Finding(False, sentence, (), numbers)
    return Finding(True, f"{facts.pushed} pushed calls, each with one result", (), numbers)


def no_call_record_is_used_twice(facts: ResultFacts) -> Finding:
    """A call record is the result of at most one push."""
    good, bad = "each record is the result of one push", f"{facts.used_twice} records are the result of two pushes"
    return Finding(facts.used_twice == 0, bad if facts.used_twice else good, (), {"used_twice": facts.used_twice})


def results_agree_with_call_records(facts: ResultFacts) -> Finding:
    """Talk time, order, state and time of each result are those of its call record, while that is kept."""
    numbers = {"disagreeing": facts.disagreeing}
    if facts.read_since:
        return Finding(True, "a newer read of the call records waits to be joined; it is judged then", (), numbers)
    if facts.disagreeing:
        sentence = f"{facts.disagreeing} results differ from their call records; run call_results again"
        return Finding(False, sentence, (f"records {facts.examples}",), numbers)
    return Finding(True, "results and call records agree", (), numbers)
