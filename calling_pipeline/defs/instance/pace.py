"""How often Dagster's processes ask what rarely changes. Dagster has no settings for it: here its constants are set.

Measured with nothing to do: the daemon took over all definitions anew each minute, and for that went through a thousand
ticks of every freshness policy's cron; daemon and webserver asked the code server each second, on a new connection each
time, whether it is still the same one.
"""

from __future__ import annotations

import datetime as dt
import sys
from functools import cache
from typing import Any

from dagster._time import get_current_timestamp
from dagster._utils.schedules import get_smallest_cron_interval, schedule_execution_time_iterator

_DAYS = 2
"""After so many days in UTC, a cron that names minutes and hours alone has shown all its intervals."""


@cache
def smallest_interval(cron: str, timezone: str | None = None) -> dt.timedelta:
    """The shortest time between two ticks, as Dagster's own function finds it, in a tenth of the time.

    Raises `CheckError` for what is no cron.
    """
    if timezone not in (None, "UTC") or cron.split()[2:] != ["*", "*", "*"]:
        return get_smallest_cron_interval(cron, timezone)
    ticks = schedule_execution_time_iterator(get_current_timestamp(), cron, "UTC")
    last = next(ticks)
    until, shortest = last + dt.timedelta(days=_DAYS), dt.timedelta(days=_DAYS)
    for tick in ticks:
        if tick > until:
            break
        last, shortest = tick, min(shortest, tick - last)
    return shortest


PACE: dict[tuple[str, str], Any] = {
    ("dagster._core.definitions.freshness", "get_smallest_cron_interval"): smallest_interval,
    ("dagster._grpc.server_watcher", "WATCH_INTERVAL"): 10,  # s; a new code server is noticed after at most so long
    ("dagster._daemon.controller", "RELOAD_WORKSPACE_INTERVAL"): 900,  # s; the watcher notices changes, this is beside it
}


def set_pace() -> None:
    """Set them in those of Dagster's modules that this process has loaded."""
    for (module, name), value in PACE.items():
        if module in sys.modules:
            setattr(sys.modules[module], name, value)
