"""`calling-pipeline calls task`: the calling tasks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.records import MAPPED
from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_RESULTS
from calling_pipeline.call_batches.calling_tasks.redials.rules import rules_from, text_of
from calling_pipeline.call_batches.dependencies import plan_rules
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.errors import InvalidInput

_NEVER = "never"
_NONE = "none"
_COLUMNS = MAPPED


@click.group()
def task() -> None:
    """Calling tasks: which table is called, when, and by which rules."""


def _values(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that describe a calling task; those left out are None."""
    options = [
        click.option("--cron", help='5 fields, or 6 with seconds first, e.g. "0 9 * * *" or "0 0 9 * * ?".'),
        click.option("--schema", "--source-schema", "source_schema", help="Schema of the source table."),
        click.option("--table", "--source-table", "source_table", help="Source table."),
        *(
            click.option(f"--{name.replace('_', '-')}", name, metavar="COLUMN", help=f"Column that holds {name}.")
            for name in _COLUMNS
        ),
        click.option("--map", "mapping", multiple=True, metavar="FIELD=COLUMN", help="The same as the six options above."),
        click.option("--remark", help="A remark for people."),
        click.option("--recall-days", metavar="N|never", help="Call a number again after N days; never is the default."),
        click.option("--refused-days", type=int, help="Leave out numbers the gateway refused within N days; 0: none."),
        click.option("--expires-after", metavar="SPAN|never", help="Call nobody of a batch after 90m, 8h or 3d."),
        click.option(
            "--redial",
            multiple=True,
            metavar="RULE|none",
            help="Call a number again, e.g. not_connected,after=4h,at-most=3 or short_talk,below=10s,after=1d,at-most=1."
            f" Results: {', '.join(REDIAL_RESULTS)}. Once for each rule; they replace those there are.",
        ),
        click.option("--land-lines/--no-land-lines", "land_lines", default=None, help="Call land lines too."),
        click.option(
            "--best-time",
            metavar="GOAL[,SHARE]|off",
            help="Order calls by hour for connected or ordered; the exploring SHARE (0.2) is ordered at random.",
        ),
        click.option("--rate", "--rate-per-s", "rate_per_s", type=float, help="Pushes per second at most."),
        click.option(
            "--policy", metavar="JSON", help='Contact policy, e.g. {"preset": "considerate", "hours": "09:00-19:00"}.'
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@task.command(cls=PipelineCommand)
@click.argument("argument", required=False, metavar="NAME")
@click.option("--name", "name", help="The same as NAME.")
@_values
@click.option("--disabled", is_flag=True, help="Add it switched off.")
@click.pass_obj
def add(door: Door, /, argument: str | None, name: str | None, disabled: bool, **given: Any) -> Answer:
    """Add a calling task; its source is checked against the database's catalogue.

    \b
    calling-pipeline calls task add "new orders" --cron "0 0 9 * * ?" --schema crm --table work_orders \\
        --mobile-phone mobile --staff-name staff --order-nums orders --recall-days 90
    """
    values = {**_given(given), "name": _name(argument, name), "enabled": not disabled}
    with door.ready_runtime.transaction() as connection:
        added = editing.add(connection, values, plan_rules(door.runtime.settings), by=acting_user())
        return _answer(editing.document(added))


@task.command(cls=PipelineCommand)
@click.argument("argument", required=False, metavar="NAME")
@click.option("--name", "--task", "name", help="The same as NAME.")
@_values
@click.option("--new-name", help="Rename it.")
@click.option("--clear", multiple=True, type=click.Choice(_COLUMNS[1:]), help="Remove a column from the mapping.")
@click.pass_obj
def edit(
    door: Door, /, argument: str | None, name: str | None, new_name: str | None, clear: tuple[str, ...], **given: Any
) -> Answer:
    """Change a calling task and show its next five ticks. Fires nothing: a changed cron counts from now.

    \b
    calling-pipeline calls task edit "new orders" --cron "0 30 10 * * MON-FRI" --rate 20
    """
    changes = {**_given(given), **dict.fromkeys(clear)}
    if new_name is not None:
        changes["name"] = new_name
    with door.ready_runtime.transaction() as connection:
        rules = plan_rules(door.runtime.settings)
        edited = editing.edit(connection, _name(argument, name), changes, rules, by=acting_user())
        return _answer(editing.document(edited))


@task.command(name="list", cls=PipelineCommand)
@click.pass_obj
def list_tasks(door: Door) -> Answer:
    """Show every calling task and when it runs next."""
    with door.ready_runtime.transaction() as connection:
        found = [editing.document(item) for item in task_store.all_tasks(connection)]
    rows = [
        [item["name"], "yes" if item["enabled"] else "no", item["cron"], f"{item['source_schema']}.{item['source_table']}",
         _tick(item["next_ticks"][0]) if item["next_ticks"] else ""]
        for item in found
    ]  # fmt: skip
    return Answer(found, [table(["name", "enabled", "cron", "source", "next tick"], rows)])


@task.command(cls=PipelineCommand)
@click.argument("argument", required=False, metavar="NAME")
@click.option("--name", "--task", "name", help="The same as NAME.")
@click.pass_obj
def show(door: Door, argument: str | None, name: str | None) -> Answer:
    """Show one calling task and its next five ticks."""
    with door.ready_runtime.transaction() as connection:
        return _answer(editing.document(task_store.by_name(connection, _name(argument, name))))


@task.command(cls=PipelineCommand)
@click.argument("argument", required=False, metavar="NAME")
@click.option("--name", "--task", "name", help="The same as NAME.")
@click.pass_obj
def enable(door: Door, argument: str | None, name: str | None) -> Answer:
    """Switch a calling task on; ticks count from now."""
    return _switched(door, _name(argument, name), enabled=True)


@task.command(cls=PipelineCommand)
@click.argument("argument", required=False, metavar="NAME")
@click.option("--name", "--task", "name", help="The same as NAME.")
@click.pass_obj
def disable(door: Door, argument: str | None, name: str | None) -> Answer:
    """Switch a calling task off; batches under way go on (see `calls pause`)."""
    return _switched(door, _name(argument, name), enabled=False)


@task.command(cls=PipelineCommand)
@click.argument("argument", required=False, metavar="NAME")
@click.option("--name", "--task", "name", help="The same as NAME.")
@click.pass_obj
def remove(door: Door, argument: str | None, name: str | None) -> Answer:
    """Delete a calling task that never had a batch; others are disabled instead."""
    chosen = _name(argument, name)
    with door.ready_runtime.transaction() as connection:
        editing.remove(connection, chosen, by=acting_user())
    return Answer({"removed": chosen}, [f"removed {chosen}"])


def _switched(door: Door, name: str, *, enabled: bool) -> Answer:
    with door.ready_runtime.transaction() as connection:
        rules = plan_rules(door.runtime.settings)
        edited = editing.edit(connection, name, {"enabled": enabled}, rules, by=acting_user())
        return _answer(editing.document(edited))


def _name(argument: str | None, option: str | None) -> str:
    name = argument if argument is not None else option
    if name is None:
        raise click.UsageError("name the calling task")
    return name


def _given(options: dict[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in options.items() if value is not None and name not in ("mapping", "redial")}
    if options["redial"]:
        values["redial"] = [] if options["redial"] == (_NONE,) else list(options["redial"])
    for item in options["mapping"]:
        field, separator, column = item.partition("=")
        if not separator or field not in _COLUMNS:
            raise InvalidInput(f"--map {item[:60]!r} is not FIELD=COLUMN with one of {', '.join(_COLUMNS)}", field="map")
        values[field] = column
    if "recall_days" in values:
        values["recall_days"] = _recall_days(values["recall_days"])
    if values.get("expires_after") == _NEVER:
        values["expires_after"] = None
    if "best_time" in values:
        values["best_time"] = _best_time(values["best_time"])
    if "policy" in values:
        values["policy"] = _policy(values["policy"])
    return values


def _recall_days(text: str) -> int | None:
    if text == _NEVER:
        return None
    if not text.isdigit():
        raise InvalidInput("--recall-days is a number of days or never", field="recall_days")
    return int(text)


def _best_time(text: str) -> dict[str, Any] | None:
    if text == "off":
        return None
    goal, _, share = text.partition(",")
    try:
        return {"goal": goal, **({"explore": float(share)} if share else {})}
    except ValueError:
        raise InvalidInput("--best-time is connected or ordered, such as connected,0.2, or off", field="best_time") from None


def _policy(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidInput('--policy is not a JSON object, such as {"preset": "carrier"}', field="policy")
    return value


def _answer(document: editing.TaskDocument) -> Answer:
    shown = {**document, "redial": "; ".join(map(text_of, rules_from(document["redial"])))}
    lines = [f"{name}: {'' if value is None else value}" for name, value in shown.items() if name != "next_ticks"]
    ticks = [f"  {_tick(tick)}" for tick in document["next_ticks"]]
    return Answer(document, [*lines, "next ticks:", *(ticks or ["  none, the task is disabled"])])


def _tick(tick: Any) -> str:
    return f"{tick:%a %Y-%m-%d %H:%M:%S}"
