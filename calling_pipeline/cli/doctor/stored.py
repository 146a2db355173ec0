"""The databases: reachable, of the right schema, with the right clock and key; and Dagster's daemons in theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.dagster_storage.store import DAEMONS, dagster_state
from calling_pipeline.analysis.health.store import clock_and_zone, tenants_addresses, unreadable_secrets
from calling_pipeline.cli.doctor import outside
from calling_pipeline.cli.doctor.findings import Finding
from calling_pipeline.cli.health.records import SILENT_S
from calling_pipeline.database import embedded, revisions
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings


def is_there(settings: Settings) -> Finding | None:
    """Why the database is not asked: looking must not start or make one. None when it can be."""
    if settings.database_url is not None:
        return None
    folder = settings.home / "postgres"
    if not embedded.exists(folder):
        return Finding("database", "warn", f"there is no database in {folder} yet", "`calling-pipeline up` makes one")
    if not embedded.is_running(folder):
        return Finding("database", "warn", "the embedded PostgreSQL does not run", "`calling-pipeline up` starts it")
    return None


def look(settings: Settings) -> Iterator[Finding]:
    """All that is known of the database."""
    absent = is_there(settings)
    if absent is not None:
        yield absent
        return
    runtime = Runtime(settings)
    try:
        with reachable(runtime.engine) as connection:
            yield Finding("database", "ok", "PostgreSQL answers")
            yield from _session(connection)
            yield from _schema(connection, runtime)
        yield from _dagster(runtime)
    except CallingError as error:
        do = "start it, or correct CALLING_DATABASE_URL" if settings.database_url else f"see {settings.home}/postgres/log"
        yield Finding("database", "wrong", str(error), do)
    finally:
        runtime.close()


def _session(connection: sa.Connection) -> Iterator[Finding]:
    theirs, zone = clock_and_zone(connection)
    yield outside.clock("the database's clock", days.now() - theirs)
    if zone != "Asia/Shanghai":
        yield Finding(
            "database", "wrong", f"sessions are in {zone}, not Asia/Shanghai", "take `timezone` out of the address or role"
        )
    else:
        yield Finding("database", "ok", "sessions are in Asia/Shanghai")


def _schema(connection: sa.Connection, runtime: Runtime) -> Iterator[Finding]:
    revision, newest = revisions.current_revision(connection), revisions.newest_revision()
    if revision != newest:
        said = f"the schema is at {revision or 'no revision'}, and this program is written for {newest}"
        yield Finding("database", "wrong", said, "calling-pipeline migrate")
        return
    yield Finding("database", "ok", f"the schema is at {newest}")
    tried, unreadable = unreadable_secrets(connection, runtime.secrets)
    if unreadable:
        said = f"stored secrets of {', '.join(unreadable[:5])} were sealed with another key"
        yield Finding("key", "wrong", said, "restore CALLING_SECRET_KEY (or secret.key), or enter these secrets again")
    else:
        yield Finding("key", "ok", f"{tried} stored secrets can be opened")
    yield from outside.tenants(tenants_addresses(connection), runtime.settings)


def _dagster(runtime: Runtime) -> Iterator[Finding]:
    state = dagster_state(runtime.existing_dagster_url, [], centre=runtime.settings.centre)
    if state.unknown is not None:
        yield Finding("dagster", "warn", f"Dagster: {state.unknown}", "`calling-pipeline up`, or start Dagster")
        return
    ages = {beat.daemon: beat.age_s for beat in state.heartbeats}
    silent = [name for name in DAEMONS if ages.get(name, SILENT_S + 1) > SILENT_S]
    if silent:
        do = "start it (`calling-pipeline up`, or dagster-daemon run): nothing happens by itself without it"
        yield Finding("dagster", "wrong", f"Dagster's daemon does not work: {', '.join(silent).lower()} is silent", do)
    else:
        yield Finding("dagster", "ok", f"Dagster's daemon works, seen {max(ages.values()):.0f} s ago")


def key(settings: Settings) -> list[Finding]:
    """Whether there is a key, and where it comes from."""
    path = settings.home / "secret.key"
    where: Any = "CALLING_SECRET_KEY" if settings.secret_key is not None else path
    if settings.secret_key is None and not path.is_file():
        return [Finding("key", "warn", f"there is no {path} yet", "the first start makes it; keep a copy of it")]
    settings.secret_key_bytes()
    return [Finding("key", "ok", f"the key is there ({where})")]
