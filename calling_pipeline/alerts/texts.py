"""What an alert of each kind says beside its numbers: what to do, and where to look. One table, keyed by kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from calling_pipeline import addresses
from calling_pipeline.centres import dagster_page

_SHOWN = 5


@dataclass(frozen=True)
class Kind:
    """One kind of condition: what to do while it is failing, in one line.

    `page` is its page in the Dagster UI, `console` the page of the console where it is mended; both are paths, and `console`
    is empty where there is none.
    """

    advice: str
    page: str = "/"
    console: str = ""


KINDS: Mapping[str, Kind] = {
    "check": Kind(
        "Open the check: it names the records. When the vendor has corrected its data, materialize that day again;"
        " the alert"
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
        "Look whether the schedules and the daemon run and whether the vendor answers; Refresh on the day's page, or"
        " `calling-pipeline stats sync`, reads the day by hand.",
        "/automation",
    ),
    "held": Kind(
        "The numbers before stand. See the reasons on the day's page, or with `calling-pipeline stats held list`;"
        " publish or"
        " discard the day with a reason, or wait for the next good sync.",
        "/assets",
    ),
    "read_failed": Kind(
        "The numbers before stand. Repair what the sentence names (vendor, credentials, network), then refresh the"
        " day on"
        " its page, or with `calling-pipeline stats sync`.",
        "/assets",
    ),
    "batch_stopped": Kind(
        "Read why the batch stopped on its page, or with `calling-pipeline calls batches ID`; then resume (`calls"
        " resume ID`)"
        " or cancel it (`calls cancel ID`)."
        " Calls that were refused for our account, not for the number, are made again after `calls requeue ID"
        " --reason …`.",
        "/assets/call_batches",
        "/batches",
    ),
    "batch_refused": Kind(
        "Mend what the gateway refuses (the batch's page, or `calls rows ID --state refused`, has its words), then"
        " have the calls made again with"
        " `calling-pipeline calls requeue ID --reason …` and `calls resume ID`, or leave them.",
        "/assets/call_batches",
        "/batches",
    ),
    "batch_answers": Kind(
        "The outcome of the call is kept where it could be; if the call is unknown, ask the gateway and settle it on"
        " the batch's page, or with `calling-pipeline calls settle`. Show the gateway's operator what it answers.",
        "/assets/call_batches",
        "/batches",
    ),
    "batch_unknown": Kind(
        "Software does not repeat these calls: ask the gateway which were made, then settle them on the"
        " batch's page, or with `calling-pipeline calls settle`.",
        "/assets/call_batches",
        "/batches",
    ),
    "best_time_off": Kind(
        "Its calls are made in the source's order again. See what was measured on the page Best time to call; then switch"
        " it on again or save the calling task without it (its page, or `calling-pipeline calls task edit`): either closes"
        " the alert.",
        "/assets/call_batches",
        "/batches/tasks",
    ),
    "messages_unknown": Kind(
        "They may have arrived: look into the group or ask the receiver, then settle them on the page"
        " Notifications, or with `calling-pipeline notify settle`.",
        "/assets/contract_notifications",
        "/notifications",
    ),
    "messages_dead": Kind(
        "They certainly did not arrive. Repair what refused them, then redrive them on the page Notifications, or"
        " with `calling-pipeline notify redrive`, or give them up with `notify settle --as abandoned`.",
        "/assets/contract_notifications",
        "/notifications",
    ),
    "ledger_lines": Kind(
        "Correct the named lines in the ledger file; the next reading uses them and closes the alert.",
        "/assets/contract_notifications",
        "/notifications",
    ),
    "process": Kind(
        "Read the lines from its log: it was started again, or given up. `calling-pipeline doctor` looks at the"
        " machine; the"
        " alert closes when the process has run for five minutes.",
    ),
    "telephony_utilisation": Kind(
        "Add extensions to the tenant's pool or lower its number of calls at once; the page Telephony, or"
        " `calling-pipeline telephony stats`, shows both.",
        "/assets/extension_pool",
        "/telephony",
    ),
    "telephony_failures": Kind(
        "Test the configuration on the page Telephony, or with `calling-pipeline telephony test-connection`, and ask"
        " Infinity about refused calls.",
        "/assets/communication_records",
        "/telephony",
    ),
    "telephony_callbacks": Kind(
        "Ask Infinity why callbacks are late; until they arrive the sweep asks about each call by itself.",
        "/assets/communication_records",
        "/telephony",
    ),
    "telephony_unread": Kind(
        "`calling-pipeline telephony callbacks list` says why; `calling-pipeline telephony callbacks replay ID`"
        " applies one,"
        " with corrections where they are needed. Until then the bill settles its call.",
        "/assets/communication_records",
        "/telephony",
    ),
    "telephony_limit": Kind(
        "Find out whether so many calls are meant; if they are, raise the limit on the configuration's page, or with"
        " `PATCH /api/v1/infinity/configs/ID`.",
        "/assets/communication_records",
        "/telephony",
    ),
    "report_unknown": Kind(
        "They may have arrived: ask the receivers or the mail server's operator, then settle them on the page Reports,"
        " Deliveries, or with `calling-pipeline reports settle`. Software does not send them again.",
        "/assets/daily_report",
        "/reports/deliveries?state=unknown",
    ),
    "report_dead": Kind(
        "They certainly did not arrive. Correct the address (end the subscription and make another) or mend the mail"
        " server, then settle them as retry or abandoned on the page Reports, Deliveries, or with"
        " `calling-pipeline reports settle`.",
        "/assets/daily_report",
        "/reports/deliveries",
    ),
    "report_no_server": Kind(
        "Set CALLING_SMTP_URL and CALLING_MAIL_FROM (`calling-pipeline doctor` looks at them), or end the subscriptions."
        " What waits is sent by itself then.",
        "/assets/daily_report",
        "/reports/subscriptions",
    ),
    "report_partial": Kind(
        "The report says what is missing. Refresh or publish the named days on their pages; a revision that is whole is"
        " made as soon as they are complete, and closes the alert.",
        "/assets/daily_report",
        "/reports",
    ),
    "report_late": Kind(
        "Look whether the sensor `reports_due` and the daemon run, or make the report on its page, or with"
        " `calling-pipeline reports run`.",
        "/automation",
        "/reports",
    ),
    "report_failed": Kind(
        "Read the reason and repair it, then make the report on its page, or with `calling-pipeline reports run`; the"
        " next revision closes the alert.",
        "/runs",
        "/reports",
    ),
    "restored": Kind(
        "Find out who was called and what was sent since the backup; then say how to go on on the page Today, or with"
        " `calling-pipeline go-on calls` and `calling-pipeline go-on messages`.",
        "/automation",
        "/restored",
    ),
    "telephony_recordings": Kind(
        "The pages of their calls say why. What is lost stays lost: mend the reason (links that expire early, the store), so"
        " that the next recordings are kept.",
        "/assets/communication_records",
        "/telephony",
    ),
}
_BOXES: Mapping[str, str] = {"contract_messages": "contracts", "technician_messages": "technicians"}
"""Table of messages → how the console names it."""
_OTHER = Kind("Look into the named part of the system; `calling-pipeline alerts list` shows what else is wrong.")


def kind_of(name: str) -> Kind:
    """The entry of `KINDS`; a general one for a kind that is not in the table."""
    return KINDS.get(name, _OTHER)


def what_to_do(kind: str) -> str:
    """One line for whoever gets an alert of this kind."""
    return kind_of(kind).advice


def page_in_dagster(kind: str, link: str, centre: str = "") -> str:
    """Where the thing is seen in the Dagster UI: `link`, else the page of its kind."""
    return link or dagster_page(centre, kind_of(kind).page)


def address(ui_url: str, kind: str, link: str, centre: str = "") -> str:
    """The same under the UI's address."""
    return f"{ui_url.rstrip('/')}{page_in_dagster(kind, link, centre)}"


def place_of(kind: str, subject: str, day: dt.date | None) -> str:
    """The page of the console (a path) where a condition is mended; empty where there is none."""
    if kind in ("check", "run"):
        return addresses.of_asset(subject, day)
    if kind in ("stale", "held", "read_failed") and day is not None:
        return addresses.of_day(day)
    if kind in ("messages_unknown", "messages_dead") and subject in _BOXES:
        return addresses.of_messages(_BOXES[subject], kind.removeprefix("messages_"))
    if kind.startswith("report_") and " " in subject:
        return addresses.of_report(*subject.split(" ", 1))
    number = subject.removeprefix("batch ")
    if kind == "best_time_off":
        return addresses.of_calling_task(subject.removeprefix("calling task "))
    if kind.startswith("batch_") and number.isdecimal():
        return addresses.of_batch(number)
    return kind_of(kind).console


def message(text: str, *, kind: str, advise: bool, where: Sequence[str] = (), say: Callable[[str], str] = str) -> str:
    """The text of an alert as it is sent: the numbers, what to do (when `advise`), the addresses where to look.

    `say` gives an English sentence of ours in the language of who reads.
    """
    said = "\n".join(say(line) for line in text.split("\n"))
    lines = [said, f"{say('What to do:')} {say(what_to_do(kind))}" if advise else "", *where]
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
