"""`calling-pipeline telephony`, what concerns calls: kept callbacks, the path without a signature, the bill, collectors."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.billing.reconcile import reconcile_by_hand
from calling_pipeline.telephony.calls.kept_callbacks import applying
from calling_pipeline.telephony.calls.kept_callbacks import store as kept_store
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import Reconciled
from calling_pipeline.telephony.refusals import store as refusal_store
from calling_pipeline.telephony.refusals.store import Refused
from calling_pipeline.telephony.tenants import collectors as collector_room
from calling_pipeline.telephony.tenants import configurations

_why = click.option("--why", default="", help="The reason, for the audit log.")


@click.group()
def callbacks() -> None:
    """Callbacks that cannot be read, or that nothing has confirmed yet."""


@callbacks.command("list", cls=PipelineCommand)
@click.option("--tenant", type=click.IntRange(1), help="Of this tenant alone.")
@click.option("--all", "everything", is_flag=True, help="Those too that wait no more.")
@click.pass_obj
def list_kept(door: Door, tenant: int | None, everything: bool) -> Answer:
    """Show what is kept and why; the newest first.

    \b
    calling-pipeline telephony callbacks list
    calling-pipeline telephony callbacks list --tenant 1 --all --json
    """
    with door.ready_runtime.transaction() as connection:
        rows, total = kept_store.page(connection, tenant_id=tenant, waiting=not everything, limit=200, offset=0)
    columns = ("id", "tenant_id", "reason", "sentence", "call_uuid", "received_at", "repeats", "outcome")
    shown = table([name.replace("_", " ") for name in columns], [[getattr(row, name) for name in columns] for row in rows])
    return Answer({"total": total, "callbacks": rows}, [shown if rows else "no callback is kept"])


@callbacks.command(cls=PipelineCommand)
@click.argument("kept_id", type=click.IntRange(1))
@click.option("--connected/--not-connected", default=None, help="Whether the call was connected, instead of what it says.")
@click.option("--duration", type=click.IntRange(0, 9_999_999), help="Seconds of the call, instead of what it says.")
@_why
@click.pass_obj
def replay(door: Door, kept_id: int, connected: bool | None, duration: int | None, why: str) -> Answer:
    """Read a kept callback again and apply it.

    \b
    calling-pipeline telephony callbacks replay 7
    calling-pipeline telephony callbacks replay 7 --connected --duration 33 --why "the vendor writes 2 for yes"
    """
    given = {"is_connected": connected, "call_duration": duration}
    corrections = {name: value for name, value in given.items() if value is not None}
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        outcome = applying.replay(
            connection, runtime.secrets, kept_id, corrections=corrections, reason=why, who=acting_user()
        )
    return Answer({"id": kept_id, "outcome": outcome}, [f"callback {kept_id}: {outcome.replace('_', ' ')}"])


@callbacks.command(cls=PipelineCommand)
@click.argument("kept_id", type=click.IntRange(1))
@_why
@click.pass_obj
def drop(door: Door, kept_id: int, why: str) -> Answer:
    """Give a kept callback up; its body is deleted.

    \b
    calling-pipeline telephony callbacks drop 7 --why "a test of the vendor"
    """
    with door.ready_runtime.transaction() as connection:
        applying.drop(connection, kept_id, reason=why, who=acting_user())
    return Answer({"id": kept_id, "outcome": "given up"}, [f"callback {kept_id} is given up"])


@click.command("callback-path", cls=PipelineCommand)
@click.option("--config", "config_id", type=click.IntRange(1), required=True, help="The configuration, by id.")
@click.option("--allow", "addresses", multiple=True, help="An address or network that may send; repeat it for more.")
@click.option("--close", is_flag=True, help="Take signed callbacks alone again.")
@click.pass_obj
def callback_path(door: Door, config_id: int, addresses: tuple[str, ...], close: bool) -> Answer:
    """Take callbacks of a vendor that cannot sign, on a secret path that is shown once; a new one replaces the old.

    \b
    calling-pipeline telephony callback-path --config 3 --allow 203.0.113.0/24
    calling-pipeline telephony callback-path --config 3 --close
    """
    if close == bool(addresses):
        raise click.UsageError("give either --allow or --close")
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        if close:
            configurations.close_callback_path(connection, runtime.secrets, config_id, who=acting_user())
            return Answer({"config_id": config_id, "path": None}, ["only signed callbacks are taken now"])
        after, secret = configurations.open_callback_path(
            connection, runtime.secrets, config_id, addresses, who=acting_user()
        )
    path = f"/api/v1/infinity/callback/call-record/{secret}"
    senders = ", ".join(after.callback_addresses)
    said = f"let the vendor post to this path, which is shown only now and works only from {senders}:"
    return Answer({"config_id": config_id, "path": path, "addresses": after.callback_addresses}, [said, path])


@click.command(cls=PipelineCommand)
@click.option("--day", required=True, help="The day, YYYY-MM-DD.")
@click.option("--tenant", type=click.IntRange(1), help="This tenant's configurations alone.")
@click.pass_obj
def reconcile(door: Door, day: str, tenant: int | None) -> Answer:
    """Compare a day of calls with Infinity's bill, and take from it what we never learned.

    \b
    calling-pipeline telephony reconcile --day 2026-11-28
    calling-pipeline telephony reconcile --day 2026-11-28 --tenant 1 --json
    """
    wanted = days.day_asked(day, field="day")
    results = asyncio.run(_reconciled(door, wanted, tenant))
    columns = ("tenant_id", "config_id", "billed", "recorded", "matched", "settled", "billed_unknown_to_us",
               "recorded_not_billed", "recordings")  # fmt: skip
    rows = [[getattr(result, name) for name in columns] for result in results]
    shown = table([name.replace("_", " ") for name in columns], rows, title=day)
    return Answer(results, [shown if rows else "no configuration yet"])


async def _reconciled(door: Door, day: dt.date, tenant: int | None) -> list[Reconciled]:
    async with TelephonyDependencies.from_runtime(door.ready_runtime) as deps:
        return await reconcile_by_hand(deps, day, tenant_id=tenant, who=acting_user())


@click.command(cls=PipelineCommand)
@click.option("--day", help="The day, YYYY-MM-DD; today without it.")
@click.option("--tenant", type=click.IntRange(1), help="Of this tenant alone.")
@click.pass_obj
def refusals(door: Door, day: str | None, tenant: int | None) -> Answer:
    """Show how many clicks were refused, per hour and rule: how often there was no line, how often a limit was reached.

    \b
    calling-pipeline telephony refusals
    calling-pipeline telephony refusals --day 2026-11-28 --tenant 1 --json
    """
    wanted = days.day_asked(day, field="day") if day else days.today()
    with door.ready_runtime.transaction() as connection:
        rows = refusal_store.within(connection, *days.day_bounds(wanted), tenant_id=tenant)
    shown = table(Refused._fields, rows, title=wanted.isoformat())
    document = {"day": wanted, "refusals": [row._asdict() for row in rows]}
    return Answer(document, [shown if rows else f"no click was refused on {wanted}"])


@click.group()
def collectors() -> None:
    """The people who call."""


@collectors.command("import", cls=PipelineCommand)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", type=click.IntRange(1), required=True, help="Whose collectors they are.")
@click.option("--dry-run", is_flag=True, help="Say what each row would become, and change nothing.")
@click.pass_obj
def import_collectors(door: Door, file: Path, tenant: int, dry_run: bool) -> Answer:
    """Import collectors from a CSV with the columns collector_id, name and callback_number.

    The callback number is for people: what rings is the number bound to the extension at Infinity.

    \b
    calling-pipeline telephony collectors import collectors.csv --tenant 1
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        results = collector_room.bulk_import(connection, runtime.secrets, tenant, text, who=acting_user(), dry_run=dry_run)
    imported = sum(result.result == "imported" for result in results)
    wrong = [(row.row, row.number, row.result, row.reason) for row in results if row.result != "imported"]
    lines: list[Any] = [f"{imported} of {len(results)} {'would be ' if dry_run else ''}imported"]
    if wrong:
        lines.append(table(("row", "collector", "result", "reason"), wrong[:50]))
    failed = any(row.result == "invalid" for row in results)
    document = {"tenant_id": tenant, "dry_run": dry_run, "imported": imported, "rows": results}
    return Answer(document, lines, failed=failed)
