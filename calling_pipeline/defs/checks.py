"""The one way to turn judgements of a room's `quality.py` into asset checks.

A daily check is evaluated for each day of a run: one evaluation with the day as its partition, so that the colour of a day
stays until that day is judged again. A standing check is about a thing that has no day and is evaluated once.

Dagster writes no partition into the result of a check that a run over a range returns. The evaluations are therefore
logged, one for each day, and nothing is returned.
"""

import datetime as dt
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import dagster as dg
import sqlalchemy as sa
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from calling_pipeline import addresses
from calling_pipeline.defs.console import in_console, with_runbook
from calling_pipeline.defs.naming import asset_key
from calling_pipeline.defs.planned_checks.store import forget_days
from calling_pipeline.defs.windows import days_of_run
from calling_pipeline.quality import Finding
from calling_pipeline.runtime import Runtime

F = TypeVar("F")
Metadata = Mapping[str, dg.MetadataValue]
NOWHERE: Metadata = {}
_SHOWN = 12
_RUNBOOK = f"What to do when it fails: the console's page {addresses.of_runbook('check')}."
_GROUPS: dict[str, tuple[str, Callable[[Runtime, Sequence[dt.date]], Iterator[list[Any]]]]] = {}
"""Every group of checks by name: its asset, and how its verdicts are found outside a run."""


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

    def spec(self, asset: str, daily: dg.PartitionsDefinition | None = None) -> dg.AssetCheckSpec:
        """Its declaration on `asset`: evaluated for each partition of `daily`, or once."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.PreviewWarning)
            return dg.AssetCheckSpec(
                self.name,
                asset=asset_key(asset),
                description=f"{self.description}\n\n{_RUNBOOK}",
                blocking=self.blocking,
                partitions_def=daily,
            )


@dataclass(frozen=True)
class Verdict:
    """What one check found on one day; `day` is None for a standing check. `broken`: it could not judge at all."""

    asset: str
    check: Check[Any]
    finding: Finding
    day: dt.date | None = None
    broken: bool = False

    @property
    def blocks(self) -> bool:
        """Whether nothing may follow: a blocking check failed, or a check could not judge."""
        return self.broken or (self.check.blocking and not self.finding.passed)

    @property
    def sentence(self) -> str:
        """What is wrong, for an operator: the check's name in words and its finding."""
        return f"{self.asset}: {self.check.name.replace('_', ' ')}: {self.finding.sentence}"

    def evaluation(
        self, target: AssetCheckEvaluationTargetMaterializationData | None = None, page: Metadata = NOWHERE
    ) -> dg.AssetCheckEvaluation:
        """Dagster's record of it. `target` is the materialization judged: without it the UI shows the day as not judged.

        `page`: where the console shows the day and what to do, as metadata.
        """
        found = self.finding
        examples = {"examples": "; ".join(found.examples[:_SHOWN])} if found.examples else {}
        return dg.AssetCheckEvaluation(
            asset_key=asset_key(self.asset),
            check_name=self.check.name,
            passed=found.passed,
            severity=dg.AssetCheckSeverity.ERROR if self.broken else self.check.severity,
            description=found.sentence,
            metadata={**found.numbers, **examples, **page},
            partition=self.day.isoformat() if self.day else None,
            blocking=self.check.blocking,
            target_materialization_data=target,
        )


def judge(asset: str, checks: Iterable[Check[F]], facts: Callable[[], F], day: dt.date | None = None) -> list[Verdict]:
    """A verdict of each check by the facts, read once. A check or a reading that raises is a failed verdict, not a gap."""
    wanted = list(checks)
    if not wanted:
        return []
    try:
        found = facts()
    except Exception as error:  # whatever it was: a check must not stay silent
        return [Verdict(asset, check, _not_judged(error), day, broken=True) for check in wanted]
    return [_verdict(asset, check, found, day) for check in wanted]


def _verdict(asset: str, check: Check[F], facts: F, day: dt.date | None) -> Verdict:
    try:
        return Verdict(asset, check, check.judge(facts), day)
    except Exception as error:
        return Verdict(asset, check, _not_judged(error), day, broken=True)


def _not_judged(error: Exception) -> Finding:
    line = next(iter(str(error).splitlines()), "")
    return Finding(False, f"could not be judged: {type(error).__name__}: {line}"[:500])


def log_verdicts(context: dg.OpExecutionContext, runtime: Runtime, verdicts: Sequence[Verdict]) -> None:
    """Write the verdicts on one asset and day into Dagster's event log; the UI shows them while the run goes on."""
    targets: dict[tuple[str, dt.date | None], AssetCheckEvaluationTargetMaterializationData | None] = {}
    for verdict in verdicts:
        key = (verdict.asset, verdict.day)
        if key not in targets:
            targets[key] = newest_materialization(context.instance, *key)
        evaluation = verdict.evaluation(targets[key], {**in_console(runtime, *key), **with_runbook(runtime, "check")})
        context.log_event(evaluation)  # type: ignore[arg-type]  # it takes evaluations too


def newest_materialization(
    instance: dg.DagsterInstance, asset: str, day: dt.date | None
) -> AssetCheckEvaluationTargetMaterializationData | None:
    """The newest materialization of the asset for the day, as an evaluation names it; None when there is none."""
    record = newest_record(instance, asset, day)
    if record is None:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )


def newest_record(instance: dg.DagsterInstance, asset: str, day: dt.date | None) -> dg.EventLogRecord | None:
    """The newest materialization of the asset for the day as it is stored; None when there is none."""
    partitions = [day.isoformat()] if day else None
    wanted = dg.AssetRecordsFilter(asset_key=asset_key(asset), asset_partitions=partitions)
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)


def daily_checks(
    asset: str,
    checks: Sequence[Check[F]],
    facts_of: Callable[[sa.Connection, dt.date], F],
    daily: dg.PartitionsDefinition,
) -> dg.AssetChecksDefinition:
    """Checks that judge each day of the run by the facts that `facts_of` reads about it, one transaction per day."""

    def verdicts(runtime: Runtime, wanted: Sequence[dt.date], chosen: Collection[Check[F]]) -> Iterator[list[Verdict]]:
        for day in sorted(wanted, reverse=True):

            def facts(day: dt.date = day) -> F:
                with runtime.transaction() as connection:
                    return facts_of(connection, day)

            yield judge(asset, chosen, facts, day)

    return _group(asset, asset, checks, verdicts, daily)


def standing_checks(
    asset: str, checks: Sequence[Check[F]], facts_of: Callable[[Runtime], F], *, group: str = ""
) -> dg.AssetChecksDefinition:
    """Checks that judge what is there now, whichever days the run is about.

    `group` names them where the asset has daily checks too.
    """

    def verdicts(runtime: Runtime, _: Sequence[dt.date], chosen: Collection[Check[F]]) -> Iterator[list[Verdict]]:
        yield judge(asset, chosen, lambda: facts_of(runtime))

    return _group(f"{asset}_{group}" if group else asset, asset, checks, verdicts, None)


def verdicts_on(runtime: Runtime, asset: str, day: dt.date | None) -> list[Verdict]:
    """What the checks of `asset` made here find now: the daily ones of `day`, and the standing ones."""
    wanted = [day] if day else []
    groups = [found for of, found in _GROUPS.values() if of == asset]
    return [verdict for found in groups for verdicts in found(runtime, wanted) for verdict in verdicts]


def _group(
    name: str,
    asset: str,
    checks: Sequence[Check[F]],
    verdicts: Callable[[Runtime, Sequence[dt.date], Collection[Check[F]]], Iterator[list[Verdict]]],
    daily: dg.PartitionsDefinition | None,
) -> dg.AssetChecksDefinition:
    specs = {check.name: check.spec(asset, daily) for check in checks}
    _GROUPS[name] = (asset, lambda runtime, wanted: verdicts(runtime, wanted, checks))

    @dg.multi_asset_check(name=f"{name}_checks", specs=list(specs.values()), can_subset=True)
    def evaluate(context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]) -> Iterator[Any]:
        op = context.op_execution_context
        names = {key.name for key in op.selected_asset_check_keys}
        chosen = [check for check in checks if check.name in names]
        stops: list[Verdict] = []
        for found in verdicts(runtime, days_of_run(context.run.tags), chosen):
            log_verdicts(op, runtime, found)
            stops += [verdict for verdict in found if verdict.blocks]
        if daily is None:
            forget_days(op.instance, op.run_id, asset, names)
        yield from _let_follow(specs, chosen, stops)

    return evaluate


def _let_follow(
    specs: Mapping[str, dg.AssetCheckSpec], chosen: Collection[Check[F]], stops: Sequence[Verdict]
) -> Iterator[dg.Output[None]]:
    """What the blocking checks let follow runs; raises `Failure` with the reasons when one of them stops it."""
    if stops:
        reasons = "; ".join(f"{stop.day}: {stop.sentence}" if stop.day else stop.sentence for stop in stops)
        raise dg.Failure(reasons, allow_retries=False)
    for check in chosen:
        if check.blocking:
            yield dg.Output(None, specs[check.name].get_python_identifier())
