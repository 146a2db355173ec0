"""A process that does one act of telephony and kills itself (SIGKILL) at a given step.

python -m … DATABASE_URL HOME ACT STEP [ARGUMENT]: STEP is `before-N` or `after-N`, the N-th commit or statement.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import sqlalchemy as sa

from calling_pipeline.database.engine import driver_dsn, reachable
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.calls import callbacks
from calling_pipeline.telephony.calls.making import make_call
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import InfinityClients, TelephonyDependencies
from calling_pipeline.telephony.records import Account, CallWish
from calling_pipeline.vendors.infinity.client import InfinityClient
from calling_pipeline_tests.support import LIMIT_S
from calling_pipeline_tests.telephony.support import SECRET_KEY, callback_body, signed


class Fuse:
    """Counts steps and kills the process at the one it is set to."""

    def __init__(self, step: str) -> None:
        self._when, number = step.split("-")
        self._number = int(number)
        self._count = 0

    def begin(self) -> None:
        self._count += 1
        self._burn("before")

    def end(self) -> None:
        self._burn("after")

    def _burn(self, when: str) -> None:
        if (when, self._count) == (self._when, self._number):
            os.kill(os.getpid(), signal.SIGKILL)


def fused(deps: TelephonyDependencies, runtime: Runtime, fuse: Fuse) -> TelephonyDependencies:
    """The dependencies, with commits that burn the fuse."""

    @contextmanager
    def transaction() -> Iterator[sa.Connection]:
        with reachable(runtime.engine) as connection:
            with connection.begin():
                yield connection
                fuse.begin()
            fuse.end()

    return replace(deps, transaction=transaction, client=patient(runtime))


class FusedDriver:
    """A connection whose statements burn the fuse."""

    def __init__(self, connection: psycopg.AsyncConnection[object], fuse: Fuse) -> None:
        self._connection = connection
        self._fuse = fuse

    async def execute(self, query: str, params: object) -> object:
        self._fuse.begin()
        cursor = await self._connection.execute(query, params)  # type: ignore[call-overload]
        self._fuse.end()
        return cursor


def patient(runtime: Runtime) -> Callable[[Account], InfinityClient]:
    """Clients that wait for Infinity longer than a test does: the process ends at its step, not at a time limit."""
    return InfinityClients(
        lambda account: InfinityClient(
            account.api_url, account.app_id, account.access_key, tokens=runtime.credentials, timeout_s=4 * LIMIT_S
        )
    ).client


async def main(database_url: str, home: str, act: str, step: str, argument: str = "") -> None:
    runtime = Runtime(load(home=home, database_url=database_url, secret_key=SECRET_KEY, allow_private_urls=True))
    fuse = Fuse(step)
    async with TelephonyDependencies.from_runtime(runtime) as deps:
        if act == "call":
            await make_call(fused(deps, runtime, fuse), CallWish(1, 1, "13800000001"))
        elif act == "sweep":
            await sweep(fused(deps, runtime, fuse))
        else:
            body = callback_body(argument)
            headers = signed(body)
            async with await psycopg.AsyncConnection.connect(driver_dsn(runtime.database_url), autocommit=True) as driver:
                await callbacks.receive(
                    FusedDriver(driver, fuse),
                    runtime.secrets,
                    body=body,
                    timestamp=headers["X-Timestamp"],
                    signature=headers["X-Signature"],
                )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
