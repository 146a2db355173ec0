"""The people of a campaign: collectors who click, programs that save tasks, supervisors who read numbers."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from calling_pipeline import days
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.campaign.world import ADMIN, COLLECTORS, World

CALLERS = 64
TASKS_PER_CALLER = 40
COMPARED = {
    "grade": ("grade_9", "grade_1", "total_success", "total_records"),
    "task": ("total_tasks", "callout_number", "called_number", "success_number"),
}
"""The columns that are compared with the simulator's truth."""
_HEADERS = {"Authorization": f"Bearer {ADMIN}"}


@dataclass
class Saved:
    """What a program wanted of one task, and whether it heard that it was done."""

    task_id: str
    credits: int
    confirmed: bool = False


@dataclass
class Clicked:
    """One number that a collector wanted to call, and every answer."""

    phone: str
    answers: list[str] = field(default_factory=list)


class People:
    """All of them, each in a thread, until `stop`."""

    def __init__(self, world: World) -> None:
        self.saved: list[Saved] = []
        self.clicked: list[Clicked] = []
        self.wrong_numbers: list[str] = []
        self.heard: Counter[str] = Counter()
        self._world = world
        self._over = threading.Event()
        self._guard = threading.Lock()
        self._truth: dict[tuple[str, str], tuple[int, ...]] = {}
        self._threads = [threading.Thread(target=self._click, args=(n,), name=f"collector {n}") for n in range(COLLECTORS)]
        self._threads += [threading.Thread(target=self._save, args=(n,), name=f"caller {n}") for n in range(CALLERS)]
        self._threads += [threading.Thread(target=self._read, name="supervisor")]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each finish what it does, and wait."""
        self._over.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), f"{thread.name} does not end"

    def _click(self, number: int) -> None:
        dice = random.Random(f"collector {self._world.seed} {number}")
        with httpx.Client(headers=_HEADERS, timeout=20, trust_env=False) as client:
            turn = 0
            while not self._over.is_set():
                turn += 1
                wanted = Clicked(phone(number * 100_000 + turn, "159"))
                with self._guard:
                    self.clicked.append(wanted)
                # Who is answered that it could not be done at the moment clicks again, at once.
                for _ in range(3):
                    said = self._ask_for_call(client, number + 1, wanted.phone)
                    wanted.answers.append(said)
                    if said != "503":
                        break
                self.heard[f"click {wanted.answers[-1]}"] += 1
                self._over.wait(dice.uniform(0.5, 3.0))

    def _ask_for_call(self, client: httpx.Client, collector: int, number: str) -> str:
        wish = {"tenant_id": 1, "collector_id": collector, "phone": number}
        try:
            answer = client.post(f"{self._world.api}/api/v1/infinity/make-call", json=wish)
        except httpx.HTTPError as error:
            return type(error).__name__
        return str(answer.status_code)

    def _save(self, number: int) -> None:
        dice = random.Random(f"caller {self._world.seed} {number}")
        with httpx.Client(headers=_HEADERS, timeout=30, trust_env=False) as client:
            for turn in range(TASKS_PER_CALLER):
                if self._over.is_set():
                    return
                # Neighbours work on the same tasks, so that saves of one task race.
                wanted = Saved(f"campaign {number // 4} {turn}", credits=1 + turn % 5)
                with self._guard:
                    self.saved.append(wanted)
                self._insist(client, wanted, dice)
                self._over.wait(dice.uniform(1.0, 12.0))

    def _insist(self, client: httpx.Client, wanted: Saved, dice: random.Random) -> None:
        for state in ("pending", "completed", "completed"):
            body = {"feature": "campaign", "state": state, "credits": wanted.credits}
            while not self._over.is_set():
                try:
                    answer = client.post(f"{self._world.api}/api/tasks/{wanted.task_id}", json=body)
                    said = str(answer.status_code)
                except httpx.HTTPError as error:
                    said = type(error).__name__
                self.heard[f"save {said}"] += 1
                if said in ("200", "409"):  # 409: a neighbour was ahead, and the task does not go back
                    wanted.confirmed |= state == "completed" and said == "200"
                    break
                self._over.wait(dice.uniform(0.2, 2.0))

    def _read(self) -> None:
        """Whoever is shown a number as complete is shown the right one."""
        with httpx.Client(headers=_HEADERS, timeout=20, trust_env=False) as client:
            while not self._over.is_set():
                for track in ("grade", "task"):
                    for day in days_read():
                        self._compare(client, track, day)
                self._over.wait(1.0)

    def _compare(self, client: httpx.Client, track: str, day: str) -> None:
        try:
            answer = client.get(f"{self._world.api}/api/stats/{track}-stats", params={"date": day})
        except httpx.HTTPError as error:
            self.heard[f"read {type(error).__name__}"] += 1
            return
        self.heard[f"read {answer.status_code}"] += 1
        if answer.status_code != 200:
            return
        shown = answer.json()["data"]
        if shown["complete"] and (seen := _counted(track, shown)) != (wanted := self._true(track, day)):
            self.wrong_numbers.append(f"{track} {day}: shown {seen}, true {wanted}")

    def _true(self, track: str, day: str) -> tuple[int, ...]:
        if (track, day) not in self._truth:
            truth = self._world.vendors.get("/guanke/_sim/truth", date=day)
            self._truth[track, day] = _of_truth(track, truth)
        return self._truth[track, day]


def days_read() -> list[str]:
    """Finished days that no midnight of the campaign touches."""
    return [(days.today() - dt.timedelta(days=back)).isoformat() for back in (3, 4, 5)]


def _counted(track: str, shown: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(shown[name]) for name in COMPARED[track])


def _of_truth(track: str, truth: Mapping[str, Any]) -> tuple[int, ...]:
    found = truth if track == "grade" else truth["task_stats"]
    return tuple(int(found[name]) for name in COMPARED[track])
