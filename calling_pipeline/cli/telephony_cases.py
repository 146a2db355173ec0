"""`calling-pipeline telephony cases`: whom collectors are to call."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast, get_args

import click

from calling_pipeline import days
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.telephony.desk.cases import cases as cases_room
from calling_pipeline.telephony.desk.cases import importing, store
from calling_pipeline.telephony.desk.cases.records import CASE_STATES, CallResult, CaseFilter, CaseState
from calling_pipeline.text_encoding import encoding_of

SHOWN = ("id", "tenant_id", "collector_id", "customer_name", "phone_masked", "state", "result", "calls", "next_call_at")
_MOST_NAMED = 20


@click.group()
def cases() -> None:
    """Cases of collectors: whom each is to call, and what came of it. Numbers are shown masked."""


@cases.command("list", cls=PipelineCommand)
@click.option("--tenant", type=click.IntRange(1), help="Of this tenant alone.")
@click.option("--collector", type=click.IntRange(1), help="Of this collector alone.")
@click.option("--state", type=click.Choice(CASE_STATES), help="Open or done ones alone.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.pass_obj
def list_cases(door: Door, tenant: int | None, collector: int | None, state: str | None, limit: int) -> Answer:
    """Show cases in the order in which they are called.

    \b
    calling-pipeline telephony cases list --tenant 1 --collector 7 --state open
    """
    wanted = CaseFilter(tenant, collector, cast("CaseState | None", state))
    with door.ready_runtime.transaction() as connection:
        rows, total = store.page(connection, wanted, limit=limit)
    shown = table([name.replace("_", " ") for name in SHOWN], [[getattr(row, name) for name in SHOWN] for row in rows])
    more = [f"{len(rows)} of {total} are shown"] if total > len(rows) else []
    return Answer(rows, [shown if rows else "there is no such case", *more])


@cases.command("import", cls=PipelineCommand)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", type=click.IntRange(1), required=True, help="Whose collectors.")
@click.pass_obj
def import_cases(door: Door, file: Path, tenant: int) -> Answer:
    """Add cases from a CSV with the columns collector_id, customer_name, phone and note; every row gets its verdict.

    \b
    calling-pipeline telephony cases import cases.csv --tenant 1
    """
    runtime = door.ready_runtime
    text = file.read_text(encoding=encoding_of(file))
    with runtime.transaction() as connection:
        rows = importing.bulk_import(connection, runtime.secrets, runtime.phone_keys, tenant, text, who=acting_user())
    counts = Counter(str(row.result) for row in rows)
    bad = [row for row in rows if row.result == "invalid"]
    lines = [", ".join(f"{number} {name.replace('_', ' ')}" for name, number in sorted(counts.items()))]
    lines += [f"row {row.row}: {row.reason}" for row in bad[:_MOST_NAMED]]
    return Answer({"counts": dict(counts), "rows": rows}, lines, failed=bool(bad))


@cases.command(cls=PipelineCommand)
@click.argument("case_id", metavar="ID", type=click.IntRange(1))
@click.option("--result", "came", type=click.Choice(get_args(CallResult)), required=True, help="What came of its last call.")
@click.option("--remark", default="", help="In words.")
@click.option("--done/--open", "done", default=None, help="Whether the case ends; without it as is usual for the result.")
@click.option("--next-call-at", default="", metavar="DAY", help="Not to be called before this day.")
@click.pass_obj
def result(door: Door, case_id: int, came: str, remark: str, done: bool | None, next_call_at: str) -> Answer:
    """Keep what came of a case's call; it ends the case, or says when it is called next.

    \b
    calling-pipeline telephony cases result 12 --result paid --remark "on the phone"
    """
    later = days.day_bounds(days.day_asked(next_call_at, field="--next-call-at"))[0] if next_call_at else None
    with door.ready_runtime.transaction() as connection:
        after = cases_room.conclude(
            connection,
            cases_room.find(connection, case_id),
            result=cast(CallResult, came),
            remark=remark,
            done=done,
            next_call_at=later,
            who=acting_user(),
        )
    return Answer(after, [f"case {after.id} is {after.state}"])
