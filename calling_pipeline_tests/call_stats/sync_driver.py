"""A process of its own that syncs one day: `python -m … sync_driver TRACK DAY`. Says when the first page is staged."""

import sys
from typing import cast

from calling_pipeline import days
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.records import Track
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.runtime import Runtime


def main() -> None:
    track, day = cast(Track, sys.argv[1]), days.parse_day(sys.argv[2])
    runtime = Runtime.load()

    def announce(day, done, expected):
        if done == 1:
            print("first page staged", flush=True)

    sync_days(
        runtime.engine,
        guanke_client(runtime),
        track,
        [day],
        sync_type="manual",
        phone_key=runtime.phone_key,
        progress=announce,
    )


if __name__ == "__main__":
    main()
