"""The asset checks of the notifications: they gather facts and let `notifications/quality.py` judge."""

from collections.abc import Iterator

import dagster as dg

from calling_pipeline import days
from calling_pipeline.notifications.quality import (
    TOO_LONG,
    ids_are_unique_in_ledger,
    nothing_pending_too_long,
    one_open_task,
    y_exactly_where_delivered,
)
from calling_pipeline.quality import Finding
from calling_pipeline.runtime import Runtime

CONTRACTS = dg.AssetKey("contract_notifications")
TECHNICIANS = dg.AssetKey("technician_notifications")
_SEVERITY = {"nothing_is_pending_too_long": dg.AssetCheckSeverity.WARN}

_CONTRACT_SPECS = [
    dg.AssetCheckSpec("contract_ids_are_unique_in_ledger", asset=CONTRACTS, description="No contract id twice in a ledger."),
    dg.AssetCheckSpec(
        "one_open_task_per_contract_and_kind", asset=CONTRACTS, description="At most one message a contract and kind."
    ),
    dg.AssetCheckSpec(
        "y_exactly_where_all_delivered",
        asset=CONTRACTS,
        description="是否发送通知 is Y exactly where every message was delivered; rows that said Y when first seen aside.",
    ),
    dg.AssetCheckSpec(
        "nothing_is_pending_too_long", asset=CONTRACTS, description="No contract message waits for more than an hour."
    ),
]
_TECHNICIAN_SPECS = [
    dg.AssetCheckSpec("one_message_per_change_and_receiver", asset=TECHNICIANS, description="No change is announced twice."),
    dg.AssetCheckSpec(
        "nothing_is_pending_too_long", asset=TECHNICIANS, description="No technician message waits for more than an hour."
    ),
]


def checks() -> list[dg.AssetChecksDefinition]:
    """All of them."""
    return [_contract_checks, _technician_checks]


@dg.multi_asset_check(name="contract_notification_checks", specs=_CONTRACT_SPECS, can_subset=True)
def _contract_checks(context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]):  # type: ignore[no-untyped-def]
    from calling_pipeline.notifications.contracts import store
    from calling_pipeline.notifications.contracts.facts import ledger_facts
    from calling_pipeline.notifications.contracts.runs import known_ledgers

    deps = runtime.notifications()
    ledgers = known_ledgers(deps, runtime.settings.contract_ledgers)
    with deps.transaction() as connection:
        found = ledger_facts(connection, ledgers)
        doubled, late = store.doubled(connection), store.OUTBOX.late(connection, TOO_LONG)
    yield from _results(
        context,
        {
            "contract_ids_are_unique_in_ledger": ids_are_unique_in_ledger(found.repeated, found.unreadable),
            "one_open_task_per_contract_and_kind": one_open_task(doubled),
            "y_exactly_where_all_delivered": y_exactly_where_delivered(found.wrong_status, found.unreadable),
            "nothing_is_pending_too_long": nothing_pending_too_long(late, days.now()),
        },
    )


@dg.multi_asset_check(name="technician_notification_checks", specs=_TECHNICIAN_SPECS, can_subset=True)
def _technician_checks(context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]):  # type: ignore[no-untyped-def]
    from calling_pipeline.notifications.technicians import store

    with runtime.transaction() as connection:
        doubled, late = store.doubled(connection), store.OUTBOX.late(connection, TOO_LONG)
    yield from _results(
        context,
        {
            "one_message_per_change_and_receiver": one_open_task(doubled),
            "nothing_is_pending_too_long": nothing_pending_too_long(late, days.now()),
        },
    )


def _results(context: dg.AssetCheckExecutionContext, findings: dict[str, Finding]) -> Iterator[dg.AssetCheckResult]:
    for check in sorted(context.op_execution_context.selected_asset_check_keys):
        finding = findings[check.name]
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=finding.passed,
            severity=_SEVERITY.get(check.name, dg.AssetCheckSeverity.ERROR),
            metadata={"finding": finding.sentence, "examples": list(finding.examples)},
        )
