"""What an alert of each kind says beside its numbers: what to do, and where to look. One table, keyed by kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SHOWN = 5


@dataclass(frozen=True)
class Kind:
    """One kind of condition: what to do while it is failing, in one line, and its page in the Dagster UI (a path)."""

    advice: str
    page: str = "/"


KINDS: Mapping[str, Kind] = {
    "check": Kind(
        "Open the check: it names the records. When the vendor has corrected its data, materialize that day again; the alert"
        " closes with the next good judgement of the day, whichever run makes it.",
        "/assets",
    ),
    "run": Kind(
        "Read the reason and repair it, then re-execute the run or materialize the day; any later success over that day"
        " closes the alert.",
        "/runs",
    ),
    "tick": Kind(
        "Open the schedule or sensor under Automation and read its newest tick; the alert closes with the next good tick.",
        "/automation",
    ),
    "stale": Kind(
        "Look whether the schedules and the daemon run and whether the vendor answers; `calling-pipeline stats sync` reads"
        " the day by hand.",
        "/automation",
    ),
    "held": Kind(
        "The numbers before stand. See the reasons with `calling-pipeline stats held list`; publish or discard the day with"
        " a reason, or wait for the next good sync.",
        "/assets",
    ),
    "read_failed": Kind(
        "The numbers before stand. Repair what the sentence names (vendor, credentials, network), then sync the day again"
        " with `calling-pipeline stats sync` or by materializing it.",
        "/assets",
    ),
    "batch_stopped": Kind(
        "Read why the batch stopped with `calling-pipeline calls batches ID`; then `calls resume ID` or `calls cancel ID`."
        " Calls that were refused for our account, not for the number, are made again after `calls requeue ID --reason …`.",
        "/assets/call_batches",
    ),
    "batch_refused": Kind(
        "Mend what the gateway refuses (`calls rows ID --state refused` has its words), then have the calls made again with"
        " `calling-pipeline calls requeue ID --reason …` and `calls resume ID`, or leave them.",
        "/assets/call_batches",
    ),
    "batch_answers": Kind(
        "The outcome of the call is kept where it could be; if the call is unknown, ask the gateway and settle it with"
        " `calling-pipeline calls settle`. Show the gateway's operator what it answers.",
        "/assets/call_batches",
    ),
    "batch_unknown": Kind(
        "Software does not repeat these calls: ask the gateway which were made, then settle them with"
        " `calling-pipeline calls settle`.",
        "/assets/call_batches",
    ),
    "messages_unknown": Kind(
        "They may have arrived: look into the group or ask the receiver, then `calling-pipeline notify settle`.",
        "/assets/contract_notifications",
    ),
    "messages_dead": Kind(
        "They certainly did not arrive. Repair what refused them, then `calling-pipeline notify redrive`, or give them up"
        " with `notify settle --as abandoned`.",
        "/assets/contract_notifications",
    ),
    "ledger_lines": Kind(
        "Correct the named lines in the ledger file; the next reading uses them and closes the alert.",
        "/assets/contract_notifications",
    ),
    "process": Kind(
        "Read the lines from its log: it was started again, or given up. `calling-pipeline doctor` looks at the machine; the"
        " alert closes when the process has run for five minutes.",
    ),
    "telephony_utilisation": Kind(
        "Add extensions to the tenant's pool or lower its number of calls at once; `calling-pipeline telephony stats` shows"
        " both.",
        "/assets/extension_pool",
    ),
    "telephony_failures": Kind(
        "Test the configuration with `calling-pipeline telephony test-connection` and ask Infinity about refused calls.",
        "/assets/communication_records",
    ),
    "telephony_callbacks": Kind(
        "Ask Infinity why callbacks are late; until they arrive the sweep asks about each call by itself.",
        "/assets/communication_records",
    ),
    "telephony_unread": Kind(
        "`calling-pipeline telephony callbacks list` says why; `calling-pipeline telephony callbacks replay ID` applies one,"
        " with corrections where they are needed. Until then the bill settles its call.",
        "/assets/communication_records",
    ),
    "telephony_limit": Kind(
        "Find out whether so many calls are meant; if they are, raise the limit with `PATCH /api/v1/infinity/configs/ID`.",
        "/assets/communication_records",
    ),
}
_OTHER = Kind("Look into the named part of the system; `calling-pipeline alerts list` shows what else is wrong.")


def kind_of(name: str) -> Kind:
    """The entry of `KINDS`; a general one for a kind that is not in the table."""
    return KINDS.get(name, _OTHER)


def what_to_do(kind: str) -> str:
    """One line for whoever gets an alert of this kind."""
    return kind_of(kind).advice


def address(ui_url: str, kind: str, link: str) -> str:
    """Where the thing is seen: `link`, else the page of its kind, under the address of the Dagster UI."""
    return f"{ui_url.rstrip('/')}{link or kind_of(kind).page}"


def message(text: str, *, kind: str, link: str, ui_url: str, advise: bool) -> str:
    """The text of an alert as it is sent: the numbers, what to do (when `advise`), the address."""
    lines = [text, f"What to do: {what_to_do(kind)}" if advise else "", address(ui_url, kind, link) if ui_url else ""]
    return "\n".join(filter(None, lines))


def days_named(wanted: Sequence[dt.date]) -> str:
    """Days in words: one, an unbroken range, or the first few of them."""
    ordered = sorted(set(wanted))
    if not ordered:
        return ""
    if len(ordered) > 1 and (ordered[-1] - ordered[0]).days == len(ordered) - 1:
        return f"{ordered[0]} to {ordered[-1]}"
    more = f" and {len(ordered) - _SHOWN} more days" if len(ordered) > _SHOWN else ""
    return ", ".join(str(day) for day in ordered[:_SHOWN]) + more
