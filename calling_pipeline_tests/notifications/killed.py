"""A notification run that kills itself (SIGKILL) at one point.

Arguments: settings as JSON, ledger, point, and at which passing of the point it is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from calling_pipeline.notifications.contracts.runs import run
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load

POINTS = ("after claim", "after send", "before rename", "amid rename", "after rename")
_RENAMES = {"before rename": 1, "amid rename": 2, "after rename": 3}


class KillSwitch:
    """Kills this process when `point` was passed `times` times."""

    def __init__(self, point: str, times: int) -> None:
        self.point = point
        self.left = times

    def passing(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class KillingWeCom:
    """The real client, with the two points around its sending."""

    def __init__(self, client, switch):
        self._client = client
        self._switch = switch

    async def __aenter__(self):
        return self

    async def __aexit__(self, *failure):
        await self._client.__aexit__(*failure)

    async def send_to_robot(self, key, body):
        return await self._send(self._client.send_to_robot, key, body)

    async def send_to_user(self, user, body):
        return await self._send(self._client.send_to_user, user, body)

    async def _send(self, send, whom, body):
        self._switch.passing("after claim")
        verdict = await send(whom, body)
        self._switch.passing("after send")
        return verdict


def kill_at_renames(switch: KillSwitch, ledger: Path) -> None:
    """Python announces every rename before it is made: of the backup, then of the file itself."""
    seen = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal seen
        ours = event == "os.rename" and Path(os.fsdecode(arguments[0])).parent == ledger.parent
        synced = event == "open" and seen == 2 and arguments[0] == str(ledger.parent)
        if ours or synced:
            seen += 1
            if seen == _RENAMES[switch.point]:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main() -> None:
    values, ledger, point, times = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    switch = KillSwitch(point, times)
    if point in _RENAMES:
        kill_at_renames(switch, ledger.resolve())
    runtime = Runtime(load(**values))
    deps = NotificationDependencies.from_runtime(runtime)
    wecom = deps.wecom
    deps = replace(deps, wecom=lambda: KillingWeCom(wecom(), switch), width=8)  # type: ignore[arg-type,return-value]
    run(deps, [ledger], created_by="a process that is killed", wait_s=20)
    runtime.close()


if __name__ == "__main__":
    main()
