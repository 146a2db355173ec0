"""`calling-pipeline notify`: what became of messages, and what people decide about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications import views
from calling_pipeline.notifications.contracts.answering import keep as keep_now
from calling_pipeline.notifications.contracts.answering import resend as resend_now
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox import decisions
from calling_pipeline.notifications.outbox.decisions import Decision
from calling_pipeline.notifications.outbox.records import HELD, MESSAGE_STATES, MessageState, Selection
from calling_pipeline.notifications.outbox.store import ROBOT, USER
from calling_pipeline.notifications.outboxes import OUTBOXES

_IDS = click.argument("ids", nargs=-1, type=int)
_COLUMNS = ("id", "about", "what", "to", "state", "tries", "why")


def _box(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--technicians", is_flag=True, help="Messages about technicians; without it, messages about contracts."
    )(command)


def _many(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose many messages at once, and those that let one look first."""
    options = [
        click.option("--all", "every", is_flag=True, help="All of them."),
        click.option("--robot", metavar="GROUP", help="Only those to this group's robot."),
        click.option("--user", metavar="CONTACT", help="Only those to this person."),
        click.option("--cause", help="Only those with this cause, as `notify status` names it."),
        click.option("--dry-run", is_flag=True, help="Only show how many there are, and the first of them."),
        click.option("--expect", metavar="N", type=click.IntRange(1), help="Do it if exactly N messages fit."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(cls=PipelineCommand)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Held messages shown.")
@click.pass_obj
def status(door: Door, limit: int) -> Answer:
    """Show messages by state, how sending went, what is held and why, parked lines, and contracts set back to N."""
    with door.ready_runtime.transaction() as connection:
        document = views.status(connection, limit=limit)
        sentences = {name: views.figures_sentence(views.figures(connection, name)) for name in OUTBOXES}
    lines: list[Any] = []
    for name in OUTBOXES:
        said = ", ".join(f"{count} {state}" for state, count in sorted(document[name]["counts"].items())) or "none"
        lines += [f"{name}: {said}", f"{name}: {sentences[name]}"]
        if document[name]["held_groups"]:
            columns = ("state", "cause", "to", "messages", "first id", "since")
            lines.append(table(columns, map(_group, document[name]["held_groups"])))
        if document[name]["held"]:
            lines.append(table(_COLUMNS, map(_row, document[name]["held"])))
    lines += [f"contracts: {group['sentence']}" for group in document["parked_groups"]]
    lines += [asked["sentence"] for asked in document["questions"]]
    return Answer(document, lines)


@click.command(cls=PipelineCommand)
@click.option("--state", type=click.Choice(MESSAGE_STATES), help="Only those in this state.")
@click.option("--contract", "subject", help="Only those about this contract (or technician change).")
@click.option("--robot", metavar="GROUP", help="Only those to this group's robot.")
@click.option("--user", metavar="CONTACT", help="Only those to this person.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@_box
@click.pass_obj
def messages(
    door: Door,
    state: MessageState | None,
    subject: str | None,
    robot: str | None,
    user: str | None,
    limit: int,
    technicians: bool,
) -> Answer:
    """List messages with what happened to them.

    \b
    Example: calling-pipeline notify messages --contract id-1
    """
    chosen = Selection(states=(state,) if state else (), receiver=_receiver(robot, user), subject=subject)
    outbox = OUTBOXES["technicians" if technicians else "contracts"]
    with door.ready_runtime.transaction() as connection:
        total = outbox.count(connection, chosen)
        found = [views.message_document(one) for one in outbox.selected(connection, chosen, limit=limit)]
    shown = f"{len(found)} of {total} messages"
    return Answer({"total": total, "messages": found}, [shown, table(_COLUMNS, map(_row, found))])


@click.command(cls=PipelineCommand)
@click.argument("contract")
@click.option("--why", required=True, help="The reason; the same reason given again sends nothing again.")
@click.option("--key", default="", help="Names the order instead of its reason: another key is another order.")
@click.pass_obj
def resend(door: Door, contract: str, why: str, key: str) -> Answer:
    """Announce a contract again: new messages of its line as it stands now, sent by the next delivery.

    \b
    Example: calling-pipeline notify resend id-1 --why "the group was the wrong one"
    """
    deps = NotificationDependencies.from_runtime(door.ready_runtime)
    with deps.transaction() as connection:
        names = Names(deps.robots, deps.users)
        done = resend_now(connection, contract, deps.plan, names, why=why, by=acting_user(), key=key)
    return Answer(done, [done.sentence])


@click.command(cls=PipelineCommand)
@click.argument("contracts", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every contract that `notify status` asks about.")
@click.option("--why", default="", help="Kept in the audit log.")
@click.pass_obj
def keep(door: Door, contracts: tuple[str, ...], every: bool, why: str) -> Answer:
    """Answer that a contract set back to N is not to be sent again: writes Y back.

    \b
    Example: calling-pipeline notify keep id-1
    """
    if bool(contracts) == every:
        raise click.UsageError("name contracts, or --all")
    with door.ready_runtime.transaction() as connection:
        done = keep_now(connection, None if every else contracts, by=acting_user(), why=why)
    return Answer({"contracts": done}, [f"{len(done)} contracts say Y again"])


@click.command(cls=PipelineCommand)
@_IDS
@_many
@click.option("--per-minute", default=60, show_default=True, type=click.IntRange(1), help="How many become due per minute.")
@click.option("--why", default="redriven", show_default=True, help="Kept with the messages and in the audit log.")
@_box
@click.pass_obj
def redrive(door: Door, /, ids: tuple[int, ...], per_minute: int, why: str, technicians: bool, **many: Any) -> Answer:
    """Send dead letters again, in their order: messages that were certainly not sent and were given up.

    Many at once are looked at first: with --dry-run, then with --expect and the number that it showed.

    \b
    Examples: calling-pipeline notify redrive 17 18
      calling-pipeline notify redrive --cause "HTTP 503" --dry-run
    """
    selection = _chosen(ids, None, many)
    outbox = OUTBOXES["technicians" if technicians else "contracts"]
    with door.ready_runtime.transaction() as connection:
        done = decisions.redrive(
            connection,
            outbox,
            selection,
            by=acting_user(),
            why=why,
            per_minute=None if ids else per_minute,
            dry_run=many["dry_run"],
            expect=many["expect"],
        )
    return _decided(done, "put back into the queue", "is not a dead letter")


@click.command(cls=PipelineCommand)
@_IDS
@_many
@click.option("--state", type=click.Choice(HELD), help="Only those in this state.")
@click.option(
    "--as", "as_", required=True, type=click.Choice(["delivered", "retry", "abandoned"]),
    help="delivered: it arrived; retry: it did not, send it (again); abandoned: it is not to be sent.",
)  # fmt: skip
@click.option("--why", default="settled by hand", show_default=True, help="Kept with the messages and in the audit log.")
@_box
@click.pass_obj
def settle(
    door: Door, /, ids: tuple[int, ...], state: MessageState | None, as_: str, why: str, technicians: bool, **many: Any
) -> Answer:
    """Decide what became of messages that are held, unknown or dead.

    Many at once are looked at first: with --dry-run, then with --expect and the number that it showed.

    \b
    Examples: calling-pipeline notify settle 17 --as delivered --why "seen in the group"
      calling-pipeline notify settle --state unknown --robot 北京 --as delivered --dry-run
    """
    selection = _chosen(ids, state, many)
    outbox = OUTBOXES["technicians" if technicians else "contracts"]
    with door.ready_runtime.transaction() as connection:
        done = decisions.settle(
            connection,
            outbox,
            selection,
            as_=settlement_of(as_),
            by=acting_user(),
            why=why,
            dry_run=many["dry_run"],
            expect=many["expect"],
        )
    return _decided(done, f"settled as {as_}", "is not held")


def _chosen(ids: tuple[int, ...], state: MessageState | None, many: dict[str, Any]) -> Selection:
    receiver = _receiver(many["robot"], many["user"])
    narrowed = many["every"] or receiver or many["cause"] or state
    if bool(ids) == bool(narrowed):
        raise click.UsageError("name message ids, or choose many by --all, --state, --robot, --user or --cause")
    return Selection(tuple(ids) or None, (state,) if state else (), receiver, many["cause"])


def _receiver(robot: str | None, user: str | None) -> str | None:
    if robot and user:
        raise click.UsageError("name a --robot or a --user, not both")
    return f"{ROBOT}{robot}" if robot else f"{USER}{user}" if user else None


def _decided(done: Decision, what: str, otherwise: str) -> Answer:
    if done.not_done and not done.ids:
        raise InvalidInput(f"message {done.not_done[0]} {otherwise}")
    said = f"{done.messages} messages would be {what}" if done.dry_run else f"{done.messages} messages {what}"
    lines: list[Any] = [said, *(f"message {id_} {otherwise}" for id_ in done.not_done)]
    if done.dry_run and done.ids:
        lines += [table(_COLUMNS, (_row(views.message_document(one)) for one in done.sample))]
        lines += [f"nothing was changed; do it with --expect {done.messages}"]
    document = {**asdict(done), "sample": [views.message_document(one) for one in done.sample]}
    return Answer(document, lines, failed=bool(done.not_done))


def _row(message: dict[str, Any]) -> tuple[object, ...]:
    return tuple(message[name] for name in ("id", "subject", "kind", "receiver", "state", "attempts", "last_error"))


def _group(group: dict[str, Any]) -> tuple[object, ...]:
    shown = ("state", "cause", "receiver", "messages", "first_id")
    return *(group[name] for name in shown), days.wall_clock(group["since"])
