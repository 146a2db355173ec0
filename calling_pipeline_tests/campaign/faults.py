"""The hand that does harm: every few seconds something is killed, cut, filled up or set wrong."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import random
import signal
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline_tests.campaign.world import Worker, World

_GET_FLAGS, _SET_FLAGS, _IMMUTABLE = 0x80086601, 0x40086602, 0x10
_FEW_CONNECTIONS = 20
_MANY_CONNECTIONS = 300


class Hand:
    """One thread; what it does and when follows from the seed."""

    def __init__(self, world: World, workers: Mapping[str, Worker], *, pause_s: tuple[float, float]) -> None:
        self._world = world
        self._workers = workers
        self._pause_s = pause_s
        self._dice = random.Random(f"hand {world.seed}")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="hand")
        self._acts: list[tuple[int, Callable[[], str]]] = [
            (8, self._kill_a_process),
            (3, self._ask_a_process_to_end),
            (3, self._kill_postgres),
            (2, self._half_open),
            (2, self._jump_the_clock),
            (1, self._fill_the_disk),
            (1, self._make_a_ledger_read_only),
            (1, self._allow_few_connections),
        ]

    def start(self) -> None:
        """Plant what the vendors do wrong all the time, and begin."""
        sim = self._world.vendors
        sim.plant("status", path="/gateway", times=None, rate=0.05, after=True, status=500)
        sim.plant("reset", path="/gateway", times=None, rate=0.01, after=True)
        sim.plant("status", path="/wecom/cgi-bin/webhook", times=None, rate=0.05, after=True, status=500)
        sim.plant("status", path="/infinity", times=None, rate=0.05, after=True, status=500)
        sim.plant("status", path="/guanke", times=None, rate=0.03, status=502)
        self._thread.start()

    def stop(self) -> None:
        """Do no more harm, and repair what can be repaired."""
        self._over.set()
        self._thread.join(900)
        assert not self._thread.is_alive()
        self._world.vendors.clear_faults()
        self._world.proxy.cut_rate = 0.0

    def _go_on(self) -> None:
        while not self._over.wait(self._dice.uniform(*self._pause_s)):
            weights = [weight for weight, _ in self._acts]
            act = self._dice.choices([act for _, act in self._acts], weights)[0]
            self._world.counted[act()] += 1

    def _some_worker(self) -> Worker:
        return self._workers[self._dice.choice(sorted(self._workers))]

    def _kill_a_process(self) -> str:
        worker = self._some_worker()
        return f"killed {worker.name}" if worker.strike(signal.SIGKILL) else "found nothing to kill"

    def _ask_a_process_to_end(self) -> str:
        worker = self._some_worker()
        return f"asked {worker.name} to end" if worker.strike(signal.SIGTERM) else "found nothing to end"

    def _kill_postgres(self) -> str:
        self._world.postgres.kill()
        return "killed PostgreSQL"

    def _half_open(self) -> str:
        self._world.proxy.freeze(0.3, for_s=self._dice.uniform(3, 15))
        return "left connections half open"

    def _jump_the_clock(self) -> str:
        """The next process of some worker lives two hours ahead or behind."""
        worker, sign = self._some_worker(), self._dice.choice((-2, 2))
        there = dt.datetime.now(dt.UTC) + dt.timedelta(hours=sign)
        worker.next_environment = {"CALLING_CLOCK_START": there.isoformat()}
        worker.strike(signal.SIGTERM)
        return f"set a clock {sign:+d} h"

    def _fill_the_disk(self) -> str:
        self._workers["notify"].small_files = True
        return "filled the disk under the ledgers"

    def _make_a_ledger_read_only(self) -> str:
        ledger = self._dice.choice(self._world.ledgers)
        try:
            _set_immutable(ledger, True)
        except OSError:
            return "could not make a ledger read-only here"
        try:
            self._over.wait(self._dice.uniform(3, 10))
        finally:
            _set_immutable(ledger, False)
        return "made a ledger read-only"

    def _allow_few_connections(self) -> str:
        postgres = self._world.postgres
        postgres.limit_connections(_FEW_CONNECTIONS)
        postgres.restart()
        self._over.wait(self._dice.uniform(10, 20))
        self._until_done(lambda: postgres.limit_connections(_MANY_CONNECTIONS))
        postgres.restart()
        return f"allowed {_FEW_CONNECTIONS} connections"

    def _until_done(self, act: Callable[[], None]) -> None:
        """Connections are short at that moment: ours is one more that may be refused."""
        for _ in range(600):
            with contextlib.suppress(sa.exc.DBAPIError):
                act()
                return
            threading.Event().wait(0.2)
        raise AssertionError("the server could not be given its connections back")


def _set_immutable(path: Path, wanted: bool) -> None:
    """As `chattr +i`: nobody may write, not even root. Raises `OSError` where the file system has no such flag."""
    with path.open("rb") as file:
        flags = struct.unpack("L", fcntl.ioctl(file, _GET_FLAGS, struct.pack("L", 0)))[0]
        changed = flags | _IMMUTABLE if wanted else flags & ~_IMMUTABLE
        fcntl.ioctl(file, _SET_FLAGS, struct.pack("L", changed))
