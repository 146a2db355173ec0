"""The one way to turn judgements of a room's `quality.py` into asset checks.

A group belongs to one asset: its facts are read once for all its checks. A judgement about days gives one `Finding` per
day; one about a thing that has no day gives one `Finding` in all.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import dagster as dg
import sqlalchemy as sa

from calling_pipeline.defs.windows import days_of_run
from calling_pipeline.quality import Finding
from calling_pipeline.runtime import Runtime

F = TypeVar("F")
STANDING = ""
"""Stands for the day in findings about a thing that has no day."""
_SHOWN = 12


@dataclass(frozen=True)
class Check(Generic[F]):
    """One check: its name is a sentence, `judge` is pure.

    `warns`: a failure is a warning instead of an error. `blocking`: when it fails, what comes after its asset does not
    run.
    """

    name: str
    judge: Callable[[F], Finding]
    description: str
    warns: bool = False
    blocking: bool = False

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.WARN if self.warns else dg.AssetCheckSeverity.ERROR


def daily_checks(
    asset: str, checks: Sequence[Check[F]], facts_of: Callable[[sa.Connection, dt.date], F]
) -> dg.AssetChecksDefinition:
    """Checks that judge each day of the run by the facts that `facts_of` reads about it, one transaction per day."""

    def gather(runtime: Runtime, wanted: Sequence[dt.date]) -> dict[str, F]:
        facts = {}
        for day in wanted:
            with runtime.transaction() as connection:
                facts[day.isoformat()] = facts_of(connection, day)
        return facts

    return _group(asset, asset, checks, gather)


def standing_checks(
    asset: str, checks: Sequence[Check[F]], facts_of: Callable[[Runtime], F], *, group: str = ""
) -> dg.AssetChecksDefinition:
    """Checks that judge what is there now, whichever days the run is about.

    `group` names them where the asset has daily checks too.
    """
    name = f"{asset}_{group}" if group else asset
    return _group(name, asset, checks, lambda runtime, _: {STANDING: facts_of(runtime)})


def _group(
    name: str, asset: str, checks: Sequence[Check[F]], gather: Callable[[Runtime, Sequence[dt.date]], Mapping[str, F]]
) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(check.name, asset=asset, description=check.description, blocking=check.blocking)
        for check in checks
    ]

    @dg.multi_asset_check(name=f"{name}_checks", specs=specs, can_subset=True)
    def evaluate(
        context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[dg.AssetCheckResult]:
        facts = gather(runtime, days_of_run(context.run.tags))
        chosen = {key.name for key in context.op_execution_context.selected_asset_check_keys}
        for check in checks:
            if check.name in chosen:
                yield result_of(check, asset, {day: check.judge(fact) for day, fact in facts.items()})

    return evaluate


def result_of(check: Check[F], asset: str, findings: Mapping[str, Finding]) -> dg.AssetCheckResult:
    """All days' findings as one result: the failing days first, the numbers of the newest day for the plots."""
    bad = [day for day, finding in findings.items() if not finding.passed]
    ordered = [*bad, *(day for day in findings if day not in bad)]
    sentences = [f"{day}: {findings[day].sentence}" if day else findings[day].sentence for day in ordered]
    metadata: dict[str, dg.MetadataValue | str | int | float | list[str]] = {
        **findings[max(findings)].numbers,
        "examples": [example for day in bad for example in findings[day].examples][:_SHOWN],
    }
    if STANDING not in findings:
        records = [
            dg.TableRecord({"day": day, "passed": findings[day].passed, "finding": findings[day].sentence})
            for day in ordered[:_SHOWN]
        ]
        metadata |= {
            "days": len(findings),
            "bad_days": ", ".join(bad) or "none",
            "findings": dg.MetadataValue.table(records),
        }
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=check.name,
        passed=not bad,
        severity=check.severity,
        description="; ".join(sentences[: max(len(bad[:3]), 1) if bad else 3]),
        metadata=metadata,
    )
