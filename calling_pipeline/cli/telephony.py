"""`calling-pipeline telephony`: the extension pool and the tenants' accounts with Infinity."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.cli.telephony_calls import callback_path, callbacks, collectors, reconcile, refusals
from calling_pipeline.cli.telephony_cases import cases
from calling_pipeline.cli.telephony_quality import quality
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.release import release_collector, release_extension
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies, infinity_client
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import Account
from calling_pipeline.telephony.tenants import accounts, trying
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.vendors.url_guard import Reach


@click.group()
def telephony() -> None:
    """Extensions, their tenants' Infinity accounts and open calls."""


telephony.add_command(callbacks)
telephony.add_command(callback_path)
telephony.add_command(reconcile)
telephony.add_command(refusals)
telephony.add_command(collectors)
telephony.add_command(quality)
telephony.add_command(cases)

_tenant = click.option("--tenant", type=click.IntRange(1), help="The tenant, whose enabled configuration is used.")
_config = click.option("--config", "config_id", type=click.IntRange(1), help="The configuration, by id.")


@telephony.command("import", cls=PipelineCommand)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_tenant
@_config
@click.option("--dry-run", is_flag=True, help="Say what each row would become, and change nothing.")
@click.pass_obj
def import_extensions(door: Door, file: Path, tenant: int | None, config_id: int | None, dry_run: bool) -> Answer:
    """Import extensions from a CSV with the columns number and label (or bare numbers, one per line).

    \b
    calling-pipeline telephony import extensions.csv --tenant 1 --dry-run
    calling-pipeline telephony import extensions.csv --config 3 --json
    """
    try:
        rows = list(extensions.read_csv(file.read_text(encoding="utf-8-sig")))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    with door.ready_runtime.transaction() as connection:
        wanted = _config_of(connection, tenant, config_id)
        results = extensions.bulk_import(connection, wanted, rows, who=acting_user(), dry_run=dry_run)
    counts = extensions.counts(results)
    wrong = [(row.row, row.number, row.result, row.reason) for row in results if row.result != "imported"]
    lines: list[Any] = [", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())]
    if wrong:
        lines.append(table(("row", "number", "result", "reason"), wrong[:50]))
    document = {"config_id": wanted, "dry_run": dry_run, "counts": counts, "rows": results}
    return Answer(document, lines, failed=counts["invalid"] > 0)


@telephony.command(cls=PipelineCommand)
@_tenant
@_config
@click.pass_obj
def stats(door: Door, tenant: int | None, config_id: int | None) -> Answer:
    """Show every pool: available, cooling down, in use, offline, in quarantine.

    \b
    calling-pipeline telephony stats
    calling-pipeline telephony stats --tenant 1 --json
    """
    with door.ready_runtime.transaction() as connection:
        rows = pool_store.statistics(connection, days.now(), tenant_id=tenant, config_id=config_id)
    columns = ("tenant_id", "config_id", "config_name", "total", "available", "cooling_down", "in_use", "offline",
               "quarantined", "utilisation_pct")  # fmt: skip
    shown = table([name.replace("_", " ") for name in columns], [[getattr(row, name) for name in columns] for row in rows])
    return Answer(rows, [shown if rows else "no configuration yet"])


@telephony.command(cls=PipelineCommand)
@click.option("--extension", "extension_id", type=click.IntRange(1), help="Release this extension (its id).")
@click.option("--collector", "collector_id", type=click.IntRange(1), help="Release what this collector holds.")
@click.option("--tenant", type=click.IntRange(1), help="The collector's tenant.")
@click.option("--stale", is_flag=True, help="Look into everything past its timeout, as the sensor does.")
@click.option("--why", default="", help="The reason, for the audit log.")
@click.pass_obj
def release(
    door: Door, extension_id: int | None, collector_id: int | None, tenant: int | None, stale: bool, why: str
) -> Answer:
    """Free extensions. An open call on one becomes unknown.

    \b
    calling-pipeline telephony release --extension 17
    calling-pipeline telephony release --tenant 1 --collector 5 --why "their call ended hours ago"
    calling-pipeline telephony release --stale
    """
    if (extension_id is not None) + (collector_id is not None) + stale != 1:
        raise click.UsageError("give one of --extension, --collector and --stale")
    runtime = door.ready_runtime
    if stale:
        swept = asyncio.run(_sweep(runtime))
        return Answer(
            swept, [f"{swept.asked} asked about, {swept.released} released, {swept.still_in_call} still in a call"]
        )
    if collector_id is not None and tenant is None:
        raise click.UsageError("--collector needs --tenant")
    with runtime.transaction() as connection:
        if collector_id is not None and tenant is not None:
            released = release_collector(connection, tenant, collector_id, reason=why, who=acting_user())
        else:
            assert extension_id is not None
            done = release_extension(connection, extension_id, None, reason=why, who=acting_user())
            released = [extension_id] if done else []
    said = f"released: {', '.join(map(str, released))}" if released else "nothing was allocated: nothing released"
    return Answer({"released": released}, [said])


@telephony.command("test-connection", cls=PipelineCommand)
@_tenant
@_config
@click.option("--api-url", help="Try this address instead of the stored one; nothing is kept.")
@click.option("--app-id", help="Try this app id.")
@click.option("--key-file", type=click.File(), help="Try the access key in this file; - reads it from standard input.")
@click.pass_obj
def test_connection(
    door: Door, tenant: int | None, config_id: int | None, api_url: str | None, app_id: str | None, key_file: Any
) -> Answer:
    """Log in to a tenant's Infinity and say how long that took; exit status 1 when it did not work.

    With an address, an app id or a key they are tried before they are kept; without a tenant all three are needed.

    \b
    calling-pipeline telephony test-connection --tenant 1
    calling-pipeline telephony test-connection --api-url https://vendor.example/api --app-id a --key-file -
    """
    runtime = door.ready_runtime
    values = {"api_url": api_url, "app_id": app_id, "access_key": key_file.read(1000) if key_file else None}
    if any(values.values()):
        return _tried(runtime, values, tenant, config_id)
    with runtime.transaction() as connection:
        wanted = _config_of(connection, tenant, config_id)
        account = trying.stored_account(connection, runtime.secrets, wanted, by=acting_user())

    async def test(account: Account) -> accounts.Tested:
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            return await accounts.test_login(deps.client(account))

    return _outcome(account.config_id, asyncio.run(test(account)))


def _tried(runtime: Runtime, values: dict[str, str | None], tenant: int | None, config_id: int | None) -> Answer:
    """The outcome of a test with values that are not kept."""
    stored = tenant is not None or config_id is not None
    with runtime.transaction() as connection:
        wanted = _config_of(connection, tenant, config_id) if stored else None
        account = trying.account_to_try(connection, runtime.secrets, values, config_id=wanted, by=acting_user())
    reach = Reach.of(runtime.settings)
    return _outcome(wanted, asyncio.run(trying.try_account(lambda one: infinity_client(runtime, one), reach, account)))


def _outcome(config_id: int | None, tested: accounts.Tested) -> Answer:
    said = f"logged in within {tested.latency_ms} ms" if tested.reachable else f"failed: {tested.reason}"
    return Answer({"config_id": config_id, **asdict(tested)}, [said], failed=not tested.reachable)


def _config_of(connection: Any, tenant: int | None, config_id: int | None) -> int:
    if (tenant is None) == (config_id is None):
        raise click.UsageError("give either --tenant or --config")
    if config_id is not None:
        return config_id
    assert tenant is not None
    row = tenant_store.config_of_tenant(connection, tenant)
    if row is None:
        raise NotFound(f"tenant {tenant} has no Infinity configuration; create one with POST /api/v1/infinity/configs")
    return int(row.id)


async def _sweep(runtime: Any) -> Any:
    async with TelephonyDependencies.from_runtime(runtime) as deps:
        return await sweep(deps)
