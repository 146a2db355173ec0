"""Whether extensions were allocated in the order of their strategy: what sixteen sessions did at once, judged afterwards."""

from __future__ import annotations

import bisect
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from calling_pipeline.telephony.pool import allocation
from calling_pipeline.telephony.records import Allocation, Strategy
from calling_pipeline_tests.support import LIMIT_S
from calling_pipeline_tests.telephony.support import Office

SESSIONS = 16
LEAST = 20
"""Uses of each session, however slow the machine is."""


@dataclass(frozen=True)
class Use:
    """One use of an extension: when it was asked for, had, given back and free again (s), and its token."""

    extension_id: int
    fence: int
    asked: float
    had: float
    giving: float
    gave: float


def allocate_and_release(office: Office, *, seconds: float, strategy: Strategy | None = None) -> list[Use]:
    """Sixteen collectors allocate and release as fast as they can; every use, in the order of the tokens."""
    ready = threading.Barrier(SESSIONS)

    def work(collector: int) -> list[Use]:
        uses = []
        with office.driver() as connection:
            ready.wait(LIMIT_S)
            stop = time.monotonic() + seconds
            while time.monotonic() < stop or len(uses) < LEAST:
                asked = time.perf_counter()
                allocated = allocation.allocate(connection, office.tenant_id, collector, strategy=strategy)
                had = time.perf_counter()
                assert isinstance(allocated, Allocation)
                assert allocation.release(connection, allocated)
                uses.append(Use(allocated.extension_id, allocated.fence, asked, had, had, time.perf_counter()))
        return uses

    with ThreadPoolExecutor(SESSIONS) as pool:
        return sorted((use for done in pool.map(work, range(1, SESSIONS + 1)) for use in done), key=lambda use: use.fence)


def rank_errors(uses: Sequence[Use], line: Sequence[int], strategy: Strategy) -> Counter[int]:
    """How many allocations were how many ranks off: extensions free all through one and earlier in line, passed over.

    Round robin's line is a ring: of two neighbours whose sessions overtook one another, the later is one behind the
    cursor and not a whole round ahead of it.
    """
    return Counter(_rank_errors(uses, line, strategy))


def _rank_errors(uses: Sequence[Use], line: Sequence[int], strategy: Strategy) -> Iterator[int]:
    by_extension = {extension: [use for use in uses if use.extension_id == extension] for extension in line}
    hads = {extension: [use.had for use in used] for extension, used in by_extension.items()}
    place_in = {extension: place for place, extension in enumerate(line)}
    last_use: dict[int, Use] = {}
    cursor = line[-1]
    for use in uses:
        before = last_use[use.extension_id].giving if use.extension_id in last_use else 0.0
        skipped = 0
        for other in line:
            place = bisect.bisect_left(hads[other], use.asked)
            last = by_extension[other][place - 1].gave if place else 0.0
            following = by_extension[other][place].asked if place < len(hads[other]) else float("inf")
            if other == use.extension_id or last > use.asked or following < use.had:
                continue
            if strategy == "round_robin":
                skipped += (other <= cursor, other) < (use.extension_id <= cursor, use.extension_id)
            else:
                skipped += last < before
        behind = (place_in[cursor] - place_in[use.extension_id]) % len(line)
        yield min(skipped, behind) if strategy == "round_robin" else skipped
        last_use[use.extension_id], cursor = use, use.extension_id
