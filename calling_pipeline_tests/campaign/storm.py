"""One campaign: the world is filled, everybody works while the hand does harm, then it is quiet and the judge looks."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from dataclasses import dataclass
from typing import Any

from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline_tests.campaign.faults import Hand
from calling_pipeline_tests.campaign.judge import Judge
from calling_pipeline_tests.campaign.people import People, days_read
from calling_pipeline_tests.campaign.world import TASKS, Worker, World, wait_for_api, world
from calling_pipeline_tests.support import LIMIT_S, wait_until

CUT_RATE = 0.03


@dataclass(frozen=True)
class Done:
    """What came of a campaign: the sentences of the judge, figures, and how often each fault was done."""

    violations: list[str]
    figures: dict[str, Any]
    faults: dict[str, int]


def campaign(seed: int, *, seconds: float, pause_s: tuple[float, float] = (5.0, 40.0)) -> Done:
    """Run one. What is done wrong follows from the seed; when it meets which work depends on the machine's pace."""
    with world(seed, cut_rate=CUT_RATE) as made:
        workers = _workers(made)
        people, judge = People(made), None
        for worker in workers.values():
            worker.start()
        wait_for_api(made)
        people.start()
        hand = Hand(made, workers, pause_s=pause_s)
        hand.start()
        threading.Event().wait(seconds)
        hand.stop()
        people.stop()
        for worker in workers.values():
            worker.stop()
        judge = Judge(made, people)
        _calm_down(made)
        judge.look(settled=False)
        judge.settle()
        _finish(made)
        judge.look(settled=True)
        faults = {**made.counted, **made.proxy.counted}
        return Done(judge.violations, judge.figures | {"heard": dict(people.heard)}, dict(sorted(faults.items())))


def _workers(world: World) -> dict[str, Worker]:
    """One of each kind of process; two work on the same calling task."""
    first, *_, last = days_read()
    tracks = [world.command("stats", "sync", "--track", track, "--from", last, "--to", first) for track in ("grade", "task")]
    commands = {
        "api": [world.command("api")],
        "housekeeper": [[*world.command()[:2], "calling_pipeline_tests.campaign.housekeeper"]],
        "notify": [_notify(world)],
        "notify too": [_notify(world)],
        "sync": tracks,
    }
    for number in range(TASKS):
        commands[f"batch {number}"] = [world.command("calls", "run", "--task", f"orders_{number}")]
    commands["batch 0 too"] = commands["batch 0"]
    return {name: Worker(world, name, todo) for name, todo in commands.items()}


def _notify(world: World, *, wait_s: int = 20) -> list[str]:
    ledgers = [word for path in world.ledgers for word in ("--ledger", str(path))]
    return world.command("notify", "run", *ledgers, "--wait", str(wait_s))


def _calm_down(world: World) -> None:
    """Nothing is in flight any more: calls end, what was orphaned is marked."""
    wait_until(lambda: all(call["ended"] for call in world.vendors.get("/infinity/_sim/calls")), every_s=0.5)
    wait_until(lambda: _nothing_orphaned(world), every_s=1.0)


def _nothing_orphaned(world: World) -> bool:
    """Both ask until locks of ended sessions are free and deadlines are over."""
    asyncio.run(_sweep(world))
    lifecycle.recover(world.engine, by="campaign")
    with world.engine.connect() as connection:
        batches = connection.exec_driver_sql("SELECT count(*) FROM call_tasks WHERE state = 'pushing'").scalar_one()
        calls = connection.exec_driver_sql(
            "SELECT count(*) FROM communication_records WHERE state IN ('initiating', 'ringing')"
        ).scalar_one()
    return not batches and not calls


async def _sweep(world: World) -> None:
    async with TelephonyDependencies.from_runtime(world.runtime) as deps:
        await sweep(deps)


def _finish(world: World) -> None:
    """Everything that is left is done, without faults."""
    wait_until(lambda: all(_task_is_done(world, f"orders_{n}") for n in range(TASKS)), limit_s=5 * LIMIT_S, every_s=1.0)
    wait_until(lambda: _run(world, _notify(world, wait_s=60)) == 0, limit_s=5 * LIMIT_S, every_s=1.0)


def _task_is_done(world: World, name: str) -> bool:
    """Every batch of the task has ended; those that have not are resumed."""
    with world.engine.connect() as connection:
        left = connection.exec_driver_sql(
            f"SELECT id FROM call_batches WHERE task_name = '{name}' AND state NOT IN ('completed', 'cancelled') ORDER BY id"
        ).scalars()
        batches = list(left)
    for batch in batches:
        _run(world, world.command("calls", "resume", str(batch)))
    return not batches and _run(world, world.command("calls", "run", "--task", name)) == 0


def _run(world: World, command: list[str]) -> int:
    with (world.folder / "finishing.log").open("ab") as output:
        return subprocess.run(
            command, env=world.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        ).returncode
