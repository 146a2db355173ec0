"""Helpers of telephony's tests: a tenant's office, signed callbacks, the invariants of the pool."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import psycopg

from calling_pipeline import days
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls import making
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.monitoring.facts import store as facts
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.records import CallOutcome, CallWish
from calling_pipeline.telephony.tenants import collectors, configurations
from calling_pipeline.vendors.infinity.callbacks import sign

SECRET_KEY = "a key for tests that is long enough"
CALLBACK_SECRET = "callback-secret-of-tests"
TOKENS = {
    "admin-token": {"role": "admin", "tenant": None},
    "admin-of-1": {"role": "admin", "tenant": 1},
    "admin-of-2": {"role": "admin", "tenant": 2},
    "operator-of-1": {"role": "operator", "tenant": 1},
    "collector-of-1": {"role": "collector", "tenant": 1},
    "viewer-of-1": {"role": "viewer", "tenant": 1},
}
ANY_HOUR = {"preset": "list_only"}


@dataclass(frozen=True)
class Office:
    """One tenant as tests need it."""

    runtime: Runtime
    tenant_id: int
    config_id: int
    collectors: tuple[int, ...]
    extensions: tuple[int, ...]

    def call(self, collector_id: int = 1, phone: str = "13800000001", **wish: Any) -> CallOutcome:
        """Make one call in an event loop of its own."""

        async def act() -> CallOutcome:
            async with TelephonyDependencies.from_runtime(self.runtime) as deps:
                return await making.make_call(deps, CallWish(self.tenant_id, collector_id, phone, **wish))

        return asyncio.run(act())

    def state(self, call_id: int) -> str:
        with self.runtime.transaction() as connection:
            record = call_store.find(connection, call_id)
        assert record is not None
        return record.state

    def driver(self) -> psycopg.Connection[tuple[object, ...]]:
        """A psycopg connection of its own, in autocommit mode."""
        return psycopg.connect(driver_dsn(self.runtime.database_url), autocommit=True)

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.driver() as connection:
            return connection.execute(query, values).fetchall()

    def change(self, **changes: Any) -> None:
        with self.runtime.transaction() as connection:
            configurations.change(connection, self.runtime.secrets, self.config_id, changes, who="test")


def set_up(
    runtime: Runtime, api_url: str, *, tenant_id: int = 1, lines: int = 10, agents_: int = 10, **changes: Any
) -> Office:
    """A tenant with an enabled configuration, extensions 1000… and collectors 1…"""
    values = {
        "api_url": api_url,
        "app_id": "app",
        "access_key": "a-good-access-key",
        "callback_secret": CALLBACK_SECRET,
        "contact_rules": ANY_HOUR,
        "cool_down_s": 0,
        **changes,
    }
    with runtime.transaction() as connection:
        config, _ = configurations.create(connection, runtime.secrets, tenant_id, values, who="test")
        rows = [(str(1000 + number), "") for number in range(lines)]
        extensions.bulk_import(connection, config.id, rows, who="test")
        for number in range(1, agents_ + 1):
            collectors.create(
                connection,
                runtime.secrets,
                tenant_id,
                number,
                name=f"agent {number}",
                callback_number="+8613900000000",
                who="test",
            )
    with runtime.transaction() as connection:
        ids = [
            row[0]
            for row in connection.exec_driver_sql(f"SELECT id FROM extension_pool WHERE config_id = {config.id} ORDER BY id")
        ]
    return Office(runtime, tenant_id, config.id, tuple(range(1, agents_ + 1)), tuple(ids))


def callback_body(call_uuid: str, *, connected: bool = True, result: str = "已接通", **more: Any) -> bytes:
    """The raw body of a callback."""
    document = {
        "call_uuid": call_uuid,
        "call_duration": 12 if connected else 0,
        "is_connected": connected,
        "call_record_url": "",
        "contact_result": result,
        "remark": "",
        "custom_params": "",
        **more,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def signed(body: bytes, *, secret: str = CALLBACK_SECRET, at: float | None = None) -> dict[str, str]:
    """The headers of a callback."""
    stamp = str(int(days.now().timestamp() if at is None else at))
    return {"X-Timestamp": stamp, "X-Signature": sign(secret, stamp, body), "Content-Type": "application/json"}


def broken_rules(runtime: Runtime, *, allocated_before: dt.datetime | None = None) -> list[str]:
    """What breaks the pool's invariants now; an extension allocated after `allocated_before` may have no call yet."""
    with runtime.transaction() as connection:
        rows = [
            *facts.extensions_with_two_calls(connection),
            *facts.collectors_with_two_extensions(connection),
            *facts.extensions_without_call(connection, allocated_before or days.now() + dt.timedelta(days=1)),
            *facts.calls_without_extension(connection),
        ]
    return [str(row) for row in rows]
