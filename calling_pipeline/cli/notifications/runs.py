"""`calling-pipeline notify`: runs over ledgers and technicians. What is done about messages is in `messages.py`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.cli.notifications import messages
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.legacy import import_contracts
from calling_pipeline.notifications.contracts.moving import move
from calling_pipeline.notifications.contracts.previewing import Preview
from calling_pipeline.notifications.contracts.previewing import preview as preview_now
from calling_pipeline.notifications.contracts.runs import Run
from calling_pipeline.notifications.contracts.runs import run as run_contracts
from calling_pipeline.notifications.contracts.write_back import rebuild as rebuild_now
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import DeliveryReport
from calling_pipeline.notifications.technicians.legacy import import_technicians
from calling_pipeline.notifications.technicians.runs import run as run_technicians

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def notify() -> None:
    """Contract and technician notifications."""


for _command in (messages.status, messages.messages, messages.resend, messages.keep, messages.redrive, messages.settle):
    notify.add_command(_command)


@notify.command(cls=PipelineCommand)
@click.option(
    "--ledger", "ledgers", multiple=True, type=_FILE, help="Contract ledger CSV; CALLING_CONTRACT_LEDGERS without it."
)
@click.option("--wait", "wait_s", default=600.0, show_default=True, help="Seconds to wait for what is due later.")
@click.option("--day", help="Only rows first seen that day, YYYY-MM-DD.")
@click.pass_obj
def run(door: Door, ledgers: tuple[Path, ...], wait_s: float, day: str | None) -> Answer:
    """Make the messages of new contracts, deliver them, and write Y back where all were delivered.

    Run it again at any time: no message is made or sent twice. Exit status 1 when a file could not be used, a
    line has nobody to receive its messages, or a message was given up or is held as unknown.

    \b
    Example: calling-pipeline notify run --ledger contracts-2026-11.csv
    """
    runtime = door.ready_runtime
    paths = _ledgers(door, ledgers)
    on_day = days.day_asked(day, field="--day") if day else None
    with door.progress() as bar:
        line = bar.add_task("messages delivered", total=None)

        def show(report: DeliveryReport) -> None:
            bar.update(line, completed=report.delivered)

        deps = NotificationDependencies.from_runtime(runtime)
        done = run_contracts(
            deps,
            paths,
            created_by=acting_user(),
            day=on_day,
            wait_s=wait_s,
            progress=show,
        )
    return Answer(_document(done), _lines(done), failed=done.failed)


@notify.command(cls=PipelineCommand)
@click.option("--ledger", required=True, type=_FILE, help="Contract ledger CSV.")
@click.pass_obj
def preview(door: Door, ledger: Path) -> Answer:
    """Show who would get which text of a ledger's contracts now, and what would not go out. Writes and sends nothing.

    \b
    Example: calling-pipeline notify preview --ledger contracts-2026-11.csv
    """
    deps = NotificationDependencies.from_runtime(door.ready_runtime)
    with deps.transaction() as connection:
        seen = preview_now(connection, ledger, deps.plan, Names(deps.robots, deps.users), rate=deps.rate)
    return Answer(seen, _previewed(seen, deps.rate), failed=bool(seen.without_receiver))


@notify.command(cls=PipelineCommand)
@click.option("--ledger", required=True, type=_FILE, help="Contract ledger CSV.")
@click.option("--from-kept", is_flag=True, help="The file is spoilt: make it from the bytes last read.")
@click.pass_obj
def rebuild(door: Door, ledger: Path, from_kept: bool) -> Answer:
    """Make a ledger say what the table says: Y where every message was delivered. A lost file is made again.

    \b
    Example: calling-pipeline notify rebuild --ledger contracts-2026-11.csv
    """
    with door.ready_runtime.transaction() as connection:
        done = rebuild_now(connection, ledger, from_kept=from_kept)
    made = "made anew, " if done.made_anew else ""
    return Answer(asdict(done), [f"{done.csv_file}: {made}{done.set_yes} contracts set to Y, {done.set_no} to N"])


@notify.command(cls=PipelineCommand)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=_FILE)
@click.option("--reason", default="", help="Why; kept in the audit log.")
@click.pass_obj
def moved(door: Door, old: Path, new: Path, reason: str) -> Answer:
    """Say that the ledger OLD is now NEW: what is known of its contracts goes with it.

    A folder that is moved as a whole is recognised by itself. This is for a ledger that got another name, and for one that
    was moved and read before it could be recognised.

    \b
    Example: calling-pipeline notify moved /mnt/old/north.csv /srv/ledgers/north.csv
    """
    with door.ready_runtime.transaction() as connection:
        contracts = move(connection, old, new, by=acting_user(), reason=reason)
    return Answer({"ledger": new, "contracts": contracts}, [f"{new}: {contracts} contracts of {old} are its own now"])


@notify.command("import-legacy", cls=PipelineCommand)
@click.option("--ledger", type=_FILE, help="Contract ledger CSV.")
@click.option("--send-status", "statuses", multiple=True, type=_FILE, help="Old send_status JSON file of contracts.")
@click.option("--technicians", type=_FILE, help="Old send_status JSON file of technicians.")
@click.pass_obj
def import_legacy(door: Door, ledger: Path | None, statuses: tuple[Path, ...], technicians: Path | None) -> Answer:
    """Take over what the old system called sent, and report where its sources contradict each other. Sends nothing.

    \b
    Example: calling-pipeline notify import-legacy --ledger contracts.csv --send-status send_status.json
    """
    if ledger is None and technicians is None:
        raise click.UsageError("name a --ledger with its --send-status files, or a --technicians file")
    if statuses and ledger is None:
        raise click.UsageError("--send-status needs the --ledger it belongs to")
    document: dict[str, Any] = {}
    lines: list[Any] = []
    deps = NotificationDependencies.from_runtime(door.ready_runtime)
    with deps.transaction() as connection:
        if ledger is not None:
            names = Names(deps.robots, deps.users)
            done = import_contracts(connection, ledger, list(statuses), deps.plan, names, by=acting_user())
            document["contracts"] = asdict(done)
            said = f"{done.delivered} messages taken for delivered, {done.unknown} held as unknown"
            lines.append(f"{said}, {done.left_open} contracts left to notify")
            lines.append(
                table(
                    ("contract", "contradiction", "taken as"),
                    [(c.contract_id, c.what, c.taken_as) for c in done.contradictions],
                )
            )
        if technicians is not None:
            document["technicians"] = import_technicians(connection, technicians, by=acting_user())
            lines.append(f"{document['technicians']} technician messages noted as delivered")
    return Answer(document, lines)


@notify.command(cls=PipelineCommand)
@click.option("--file", "file", type=_FILE, help="JSON file of rows instead of Metabase.")
@click.option("--card", type=int, help="Metabase question; that of the campaigns file without it.")
@click.option("--note-only", is_flag=True, help="Note the changes as known without sending anything (first start).")
@click.pass_obj
def technicians(door: Door, file: Path | None, card: int | None, note_only: bool) -> Answer:
    """Fetch technicians' status changes and send two messages about each new one.

    \b
    Example: calling-pipeline notify technicians --file changes.json
    """
    deps = NotificationDependencies.from_runtime(door.ready_runtime)
    done = run_technicians(deps, created_by=acting_user(), file=file, card=card, send=not note_only)
    made, report = done.generated, done.delivery
    said = f"{made.new_changes} new changes of {made.rows}, {made.messages} messages, {report.delivered} delivered"
    wrong = [f"row {bad.row}: {bad.reason}" for bad in made.bad_rows]
    wrong += [f"nobody receives the changes of {company}" for company in made.companies_without_receiver]
    return Answer({**asdict(made), "delivery": asdict(report)}, [said, *wrong], failed=done.failed)


def _ledgers(door: Door, given: tuple[Path, ...]) -> list[Path]:
    paths = list(given) or list(door.runtime.settings.contract_ledgers)
    if not paths:
        raise ConfigurationError("no contract ledger is named; use --ledger or CALLING_CONTRACT_LEDGERS")
    return paths


def _document(done: Run) -> dict[str, Any]:
    return {
        "run_id": done.run_id,
        "task_id": f"notify:{done.run_id}",
        "ledgers": [asdict(generated) for generated in done.generated],
        "messages": sum(generated.messages for generated in done.generated),
        **asdict(done.delivery),
        "written_back": done.written_back,
        "withdrawn": done.withdrawn,
        "without_receiver": done.without_receiver,
        "errors": done.errors,
    }


def _lines(done: Run) -> list[Any]:
    lines: list[Any] = []
    for made in done.generated:
        lines.append(f"{made.csv_file}: {made.rows} contracts, {made.open_rows} with N, {made.messages} messages made")
        lines += [f"  line {parked.line} not used: {parked.reason}" for parked in made.parked[:50]]
        lines += [f"  and {len(made.parked) - 50} lines more, see `notify status`"] * (len(made.parked) > 50)
    sent = done.delivery
    lines.append(
        f"{sent.delivered} delivered, {sent.unknown} unknown, {sent.dead} given up; {done.written_back} contracts set to Y"
    )
    if done.withdrawn:
        lines.append(f"{done.withdrawn} messages withdrawn: somebody wrote Y before they were sent")
    if sent.next_due_at is not None:
        lines.append(f"some are still due, the next at {days.wall_clock(sent.next_due_at)}")
    return [*lines, *done.errors]


def _previewed(seen: Preview, rate: int) -> list[Any]:
    lines: list[Any] = [f"{seen.csv_file}: {seen.contracts} contracts, {len(seen.messages)} messages would be made"]
    for message in seen.messages:
        where = ", ".join(map(str, message.lines))
        later = ", held back by the rate" if message.waits else ""
        lines += [f"line {where}, {message.contract_id}: {message.kind} to {message.receiver}{later}", message.body, ""]
    lines += [
        f"{held} messages to {receiver} wait: at most {rate} per minute" for receiver, held in seen.held_by_rate.items()
    ]
    lines += [f"line {parked.line} is parked: {parked.reason}" for parked in seen.parked]
    lines += [f"contract {id_} was set back to N: `notify status` asks whether to send it again" for id_ in seen.set_back]
    if seen.withdrawn:
        lines.append(f"{len(seen.withdrawn)} waiting messages would be withdrawn: their lines say Y")
    return lines
