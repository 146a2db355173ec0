"""A takeover as doors show it, and what its reasons and contradictions mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from calling_pipeline.call_batches.history.records import LEFT_OUT, REMARKS
from calling_pipeline.call_batches.records import REASONS
from calling_pipeline.takeover.records import Takeover

SAID: Mapping[str, str] = {
    **REASONS,
    **LEFT_OUT,
    **REMARKS,
    "not_called": "the old system says that it was not called",
    "batch_not_begun": "it waits in a batch that was never begun: it may still be called",
    "may_have_been_called": "its call may have happened: it counts as called, at the time named or now",
    "called_at_different_times": "one number in the old history twice with different times; the latest counts",
    "repeated": "another row says the same number or id",
    "expired": "the entry has expired",
    "expiry_unread": "its expiry could not be read; it is permanent",
    "no_date": "its day could not be read",
    "day_not_over": "the day is not over: this system reads it itself",
    "number_missing": "a number is missing",
    "does_not_add_up": "its numbers contradict each other",
    "numbers_disagree": "numbers of one day that contradict each other",
    "no_task_id": "it has no task id",
    "unknown_state": "its state is none that the mapping names",
    "credits_not_readable": "its credits are no whole number",
    "details_not_readable": "its details are no JSON",
    "no_tasks": "its details have no tasks",
    "task_not_readable": "a task whose state or credits could not be read",
    "task_completed_and_pending": "one task completed and pending; completed counts",
    "task_completed_and_failed": "one task completed and failed; completed counts",
    "task_failed_and_pending": "one task failed and pending; failed counts",
    "task_in_another_state": "a task that this system has in another state",
    "not_notified_yet": "not sent yet: it is left to be notified",
    "line_not_usable": "the line of the ledger cannot be used",
    "ledger_line_not_usable": "a line of a ledger that cannot be used",
    "no_such_contract": "called sent, and no ledger has the contract",
    "sent_without_a_ledger": "called sent, and no ledger has the contract",
    "no_contract": "it names no contract",
    "statements_about_contracts": "statements of files and tasks about contracts",
    "contract_unknown": "ledger and others contradict each other: the message is held for a person",
    "contract_delivered": "only the ledger says that it was sent: it counts as delivered",
    "no_configuration": "its account is not here",
    "configuration_not_usable": "an account that cannot be used as it is",
    "not_usable": "it cannot be used as it is",
    "two_accounts_enabled": "a second enabled account of a tenant; it was taken disabled",
    "callback_secret_is_new": "it had no callback secret; it has a new one: rotate it and enter it at Infinity",
    "limit_left_out": "a limit that this system does not allow was left out",
    "tenant_missing": "it names no tenant",
    "extension_in_two_tenants": "one extension in the pools of two tenants",
    "in_use_in_the_old_system": "an extension that the old system says is in a call",
    "id_is_no_number": "its id is no number",
    "collector_not_usable": "a collector who cannot be taken as they are",
    "no_time": "it has no time",
    "no_collector": "it names no collector",
    "erased": "people who had their data erased; kept without their numbers",
    "outcome_not_known": "the old system does not say how the call ended",
    "recording_stays_with_the_vendor": "its recording stays where it is: only the record was taken",
}
"""Reason or contradiction → what it says to people."""


def reason_said(reason: str) -> str:
    """A reason or a kind of contradiction in words."""
    return SAID.get(reason, reason.replace("_", " "))


def shown(found: Takeover) -> dict[str, Any]:
    """A takeover as a document; every part with its difference, which is 0."""
    parts = [{**asdict(part), "difference": part.difference} for part in found.parts]
    return {**asdict(found), "parts": parts, "taken": found.taken, "contradictions": found.contradictions}
