"""The asset checks of the call batches: `quality.py` judges, this wraps it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg

from calling_pipeline.call_batches import quality
from calling_pipeline.defs.windows import days_of_run
from calling_pipeline.runtime import Runtime


@dataclass(frozen=True)
class Check:
    """One check: its function in `quality.py`, and whether a failure is only a warning."""

    asset: str
    judge: Callable[..., quality.Finding]
    warns: bool = False

    @property
    def name(self) -> str:
        return self.judge.__name__


CHECKS = (
    Check("call_batches", quality.phones_are_unique_in_batch),
    Check("call_batches", quality.cards_reconcile),
    Check("call_batches", quality.pushed_calls_have_log_and_history),
    Check("call_batches", quality.nobody_is_called_twice),
    Check("call_batches", quality.nothing_is_stuck_in_pushing),
    Check("call_batches", quality.no_call_is_unknown, warns=True),
    Check("call_history", quality.phones_are_unique_in_call_history),
    Check("call_history", quality.history_agrees_with_log),
)


def checks() -> list[dg.AssetChecksDefinition]:
    """One definition an asset, so that each runs right after its asset."""
    return [_checks_of(asset) for asset in ("call_batches", "call_history")]


def _checks_of(asset: str) -> dg.AssetChecksDefinition:
    mine = {check.name: check for check in CHECKS if check.asset == asset}
    specs = [
        dg.AssetCheckSpec(name, asset=asset, description=(check.judge.__doc__ or "").strip()) for name, check in mine.items()
    ]

    @dg.multi_asset_check(name=f"{asset}_checks", specs=specs, can_subset=True)
    def run_checks(
        context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[dg.AssetCheckResult]:
        wanted = days_of_run(context.run.tags)
        with runtime.transaction() as connection:
            for key in sorted(context.op_execution_context.selected_asset_check_keys):
                check = mine[key.name]
                finding = check.judge(connection, wanted[0], wanted[-1])
                yield dg.AssetCheckResult(
                    asset_key=key.asset_key,
                    check_name=key.name,
                    passed=finding.passed,
                    severity=dg.AssetCheckSeverity.WARN if check.warns else dg.AssetCheckSeverity.ERROR,
                    metadata={"finding": finding.sentence, "examples": list(finding.examples)},
                )

    return run_checks
