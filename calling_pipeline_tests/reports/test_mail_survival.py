"""Delivering processes that are killed at each step, and two at once: the server's own list is the judge."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.reports.mail import decisions
from calling_pipeline.reports.mail.records import Selection
from calling_pipeline_tests.reports.mail_killed import POINTS, WIDTH
from calling_pipeline_tests.reports.mail_support import Liar, a_report, deps_of, lying, round_at, states
from calling_pipeline_tests.reports.support import SUNDAY, morning_after
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, start_process, wait_until

SEEDS = range(20 if NIGHTLY else 1)
WELL = 10
STOPS = ("greeting", "rcpt", "data", "dot", "answer")
"""Where the server stops for one receiver, whose process is then killed from outside."""
BEFORE_ANY_CLAIM = ("composing", "composed")


def delivering(engine: sa.Engine, liar: Liar, point: str = "never", times: int = 1) -> subprocess.Popen[str]:
    """A process that delivers what is due on the morning after."""
    url = engine.url.render_as_string(hide_password=False)
    server = f"smtp://127.0.0.1:{liar.port}?starttls=never"
    moment = morning_after(SUNDAY, 5).isoformat()
    command = [sys.executable, "-m", "calling_pipeline_tests.reports.mail_killed", url, server, moment, point, str(times)]
    return start_process(command)


def go_on(engine: sa.Engine, liar: Liar) -> None:
    """Rounds of this process, until nothing of the killed one is in hand any more."""

    def nothing_in_hand() -> bool:
        round_at(deps_of(engine, liar.server), 6)
        return "sending" not in states(engine).values()

    wait_until(nothing_in_hand)


def judged(engine: sa.Engine, liar: Liar, receivers: list[str]) -> list[str]:
    """No second mail, none lost; what is not certain is held. Returns whom it is uncertain about."""
    arrived, found = Counter(liar.receivers), states(engine)
    assert sorted(found) == sorted(receivers)
    assert max(arrived.values(), default=0) <= 1
    assert set(found.values()) <= {"sent", "unknown"}
    assert all(arrived[name] == 1 for name, state in found.items() if state == "sent")
    return [name for name, state in found.items() if state == "unknown"]


def settled(engine: sa.Engine, liar: Liar, held: list[str]) -> None:
    """A person looks at the server's list, and says what became of what is held."""
    arrived = set(liar.receivers)
    for name in held:
        with days.frozen(morning_after(SUNDAY, 7)), engine.begin() as connection:
            as_ = "done" if name in arrived else "retry"
            decisions.settle(connection, Selection(receiver=name), as_=as_, by="lin", why="server's list", expect=1)  # type: ignore[arg-type]
    round_at(deps_of(engine, liar.server), 8)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("point", [*POINTS, *STOPS] if NIGHTLY else ["claimed", "answered", "dot"])
def test_a_killed_process_sends_nothing_twice_and_loses_nothing(
    engine: sa.Engine, tmp_path: Path, point: str, seed: int
) -> None:
    dice = random.Random(f"{point}{seed}")
    receivers = [f"ok.{n}@example.com" for n in range(WELL)]
    receivers.insert(dice.randint(0, WELL), "held.x@example.com")
    a_report(engine, receivers)
    stops = ("--hold", point) if point in STOPS else ()
    with lying(tmp_path, *stops) as liar:
        process = delivering(engine, liar, point, 1 if point in BEFORE_ANY_CLAIM else dice.randint(1, WELL))
        if stops:
            others = 0 if point == "greeting" else dice.randint(0, WELL)
            wait_until(lambda: liar.held and len(liar.accepted) >= others)
            process.kill()
        assert process.wait(LIMIT_S) == -9
    with lying(tmp_path) as liar:
        go_on(engine, liar)
        held = judged(engine, liar, receivers)
        assert len(held) <= (0 if point in BEFORE_ANY_CLAIM else WIDTH + WIDTH // 2)
        assert "held.x@example.com" in held or point in (*POINTS, "greeting")
        settled(engine, liar, held)
        assert judged(engine, liar, receivers) == []


def test_two_real_processes_at_once_send_each_mail_once(engine: sa.Engine, tmp_path: Path) -> None:
    receivers = [f"ok.{n}@example.com" for n in range(60)]
    a_report(engine, receivers)
    with lying(tmp_path, "--answer-ms", "20") as liar:
        processes = [delivering(engine, liar) for _ in range(2)]
        assert [process.wait(LIMIT_S) for process in processes] == [0, 0]
        assert judged(engine, liar, receivers) == []
        assert liar.receivers == sorted(receivers)
