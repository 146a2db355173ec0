"""A process of its own that refreshes one day, as a server does: `python -m … refresh_driver TRACK DAY WHO`."""

import sys
from typing import cast

from calling_pipeline import days
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.records import Track
from calling_pipeline.call_stats.sync.refresh import refresh_day
from calling_pipeline.runtime import Runtime


def main() -> None:
    ours = CallStatsDependencies.from_runtime(Runtime.load())
    track, day = cast(Track, sys.argv[1]), days.parse_day(sys.argv[2])
    refresh_day(ours.engine, ours.guanke, track, day, phone_key=ours.phone_key, rules=ours.rules, by=sys.argv[3])


if __name__ == "__main__":
    main()
