"""Asks Infinity now and then whether a desk's call is talking: its callback comes only when the call has ended."""

from __future__ import annotations

import asyncio
import time

from calling_pipeline.errors import CallingError
from calling_pipeline.telephony.calls import lines
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.desk.records import DeskCall
from calling_pipeline.telephony.records import Account
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.telephony.tenants import store as tenant_store

AGAIN_S = 4.0
_LIMIT_S = 3.0
_MOST = 1000


class LineLooks:
    """What one server has heard of its desks' lines: each is asked about once within `AGAIN_S` seconds."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[float, bool | None]] = {}

    async def talking(self, deps: TelephonyDependencies, call: DeskCall) -> bool | None:
        """Whether the call's line is talking; None when Infinity did not say. An idle line ends the call.

        A call that Infinity has just accepted, and one that is over, is not asked about.
        """
        record_id = call.record_id
        if record_id is None or call.state != "ringing" or call.extension_number is None:
            return None
        at, known = self._heard.get(record_id, (time.monotonic() - AGAIN_S + 1.0, None))
        if record_id not in self._heard:
            self._remember(record_id, at, None)
        if time.monotonic() - at < AGAIN_S:
            return known
        self._remember(record_id, time.monotonic(), known)  # whoever looks meanwhile does not ask too
        account = await asyncio.to_thread(_account, deps, call.tenant_id)
        if account is None:
            return None
        try:
            status = await asyncio.wait_for(deps.client(account).line_status(call.extension_number), _LIMIT_S)
        except (CallingError, TimeoutError):
            return known
        if status == "idle":
            await lines.release_idle(deps, account, first=record_id)
        self._remember(record_id, time.monotonic(), status == "talking")
        return status == "talking"

    def _remember(self, record_id: int, at: float, known: bool | None) -> None:
        self._heard.pop(record_id, None)
        self._heard[record_id] = (at, known)
        while len(self._heard) > _MOST:
            self._heard.pop(next(iter(self._heard)))


def _account(deps: TelephonyDependencies, tenant_id: int) -> Account | None:
    with deps.transaction() as connection:
        config = tenant_store.config_of_tenant(connection, tenant_id)
        if config is None:
            return None
        try:
            return accounts.account(deps.secrets, config)
        except CallingError:
            return None
