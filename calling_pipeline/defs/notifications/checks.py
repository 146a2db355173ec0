"""The asset checks of the notifications: they judge everything stored, whichever day a run is about."""

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.checks import Check, standing_checks
from calling_pipeline.notifications import quality
from calling_pipeline.notifications.contracts import store as contract_store
from calling_pipeline.notifications.contracts.facts import ledger_facts
from calling_pipeline.notifications.contracts.runs import known_ledgers
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.quality import TOO_LONG, ContractFacts, MessageFacts
from calling_pipeline.notifications.technicians import store as technician_store
from calling_pipeline.notifications.views import kind_in_words
from calling_pipeline.runtime import Runtime

CONTRACT_CHECKS: tuple[Check[ContractFacts], ...] = (
    Check(
        "lines_of_a_contract_agree",
        quality.lines_of_a_contract_agree,
        "A contract may stand on several lines of a ledger; they contradict each other in nothing.",
    ),
    Check(
        "one_open_task_per_contract_and_kind",
        quality.one_message_per_subject_and_kind,
        "At most one message per contract and kind.",
    ),
    Check(
        "y_exactly_where_all_delivered",
        quality.y_exactly_where_delivered,
        "是否发送通知 is Y exactly where every message was delivered. Left aside: rows that said Y when first seen, Y by"
        " hand that stopped a message, and N by hand where Y was: `notify status` asks about those.",
    ),
    Check(
        "nothing_is_pending_too_long",
        quality.nothing_pending_too_long,
        "No contract message waits for more than an hour.",
        warns=True,
    ),
)
TECHNICIAN_CHECKS: tuple[Check[MessageFacts], ...] = (
    Check(
        "one_message_per_change_and_receiver",
        quality.one_message_per_subject_and_kind,
        "No change is announced twice.",
    ),
    Check(
        "nothing_is_pending_too_long",
        quality.nothing_pending_too_long,
        "No technician message waits for more than an hour.",
        warns=True,
    ),
)


def checks() -> list[dg.AssetChecksDefinition]:
    """One group for each asset."""
    return [
        standing_checks("contract_notifications", CONTRACT_CHECKS, _contract_facts),
        standing_checks("technician_notifications", TECHNICIAN_CHECKS, _technician_facts),
    ]


def _contract_facts(runtime: Runtime) -> ContractFacts:
    deps = NotificationDependencies.from_runtime(runtime)
    ledgers = known_ledgers(deps, runtime.settings.contract_ledgers)
    with deps.transaction() as connection:
        found = ledger_facts(connection, ledgers)
        doubled = [(id_, kind_in_words(kind), count) for id_, kind, count in contract_store.doubled(connection)]
        late = contract_store.OUTBOX.late(connection, TOO_LONG)
    return ContractFacts(doubled, late, days.now(), found.contradictions, found.wrong_status, found.unreadable)


def _technician_facts(runtime: Runtime) -> MessageFacts:
    with runtime.transaction() as connection:
        doubled = [(id_, kind_in_words(kind), count) for id_, kind, count in technician_store.doubled(connection)]
        late = technician_store.OUTBOX.late(connection, TOO_LONG)
    return MessageFacts(doubled, late, days.now())
