"""Children of `up`: started again with growing pauses, given up loudly, their logs kept, ended in order."""

import re
import sys

import pytest

from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.cli import supervisor as supervising
from calling_pipeline.cli.machine import logs
from calling_pipeline.cli.machine.processes import identify
from calling_pipeline.cli.supervisor import ENDS_AT_MOST, ChildFailed, Supervisor
from calling_pipeline_tests.support import wait_until

RUNS = [sys.executable, "-c", "print('here', flush=True); import time; time.sleep(600)"]
FAILS = [sys.executable, "-c", "print('the reason why', flush=True); raise SystemExit(3)"]


@pytest.fixture
def supervisor(tmp_path, monkeypatch):
    monkeypatch.setattr(supervising, "PAUSES", Backoff(first_s=0.01, longest_s=0.01))
    made = Supervisor({}, tmp_path)
    yield made
    made.stop(grace_s=1)


def watched(supervisor, wanted):
    """Watch until `wanted` changes were seen."""
    seen = []

    def enough():
        seen.extend(supervisor.watch())
        return len(seen) >= wanted

    wait_until(enough)
    return seen


def test_a_child_that_ends_is_started_again_and_said_with_its_last_words(supervisor):
    child = supervisor.start("api", RUNS)
    wait_until(lambda: "here" in child.log.read_text())
    first = child.process
    first.kill()
    ended, started = watched(supervisor, 2)
    assert (ended.name, ended.status, ended.words) == ("api", -9, "here")
    assert ended.again_in_s == pytest.approx(0.01)
    assert started.started
    assert supervisor.running("api")
    assert child.process.pid != first.pid


def test_one_child_that_keeps_ending_does_not_stop_the_others(supervisor):
    daemon = supervisor.start("daemon", RUNS)
    supervisor.start("ui", FAILS, needed=False)
    changes = watched(supervisor, 2 * ENDS_AT_MOST - 1)
    assert [change.again_in_s is None for change in changes if not change.started] == [False] * (ENDS_AT_MOST - 1) + [True]
    assert changes[-1].words == "the reason why"
    assert supervisor.watch() == []
    assert daemon.process.poll() is None


def test_a_needed_child_that_keeps_ending_ends_all_loudly(supervisor):
    supervisor.start("daemon", FAILS)
    with pytest.raises(
        ChildFailed, match=r"(?s)daemon ended 5 times within 10 minutes.*status 3.*closes with: the reason why"
    ):
        wait_until(lambda: supervisor.watch() and False)


def test_at_the_start_a_child_that_ends_is_not_tried_again(supervisor):
    child = supervisor.start("code-server", FAILS)
    child.process.wait()
    with pytest.raises(ChildFailed, match=r"code-server ended with status 3; its log .* closes with: the reason why"):
        supervisor.wait_until(lambda: False, "nothing", within_s=60)


def test_a_log_keeps_what_was_before_and_marks_each_start(supervisor, tmp_path):
    for _ in range(2):
        supervisor.start("api", FAILS).process.wait()
    text = (tmp_path / "api.log").read_text()
    assert text.count("the reason why") == 2
    assert len(re.findall(r"^=== \d{4}-\d\d-\d\d \d\d:\d\d:\d\d start of api ===$", text, re.MULTILINE)) == 2
    assert logs.last_lines(tmp_path / "api.log") == "the reason why"


def test_a_log_that_grows_is_cut_off_while_its_child_writes_and_the_last_parts_are_kept(tmp_path):
    log = tmp_path / "daemon.log"
    with log.open("ab", buffering=0) as child:
        for number in range(logs.KEPT + 2):
            child.write(f"part {number}\n".encode() * 10)
            assert logs.rotate(log, limit_bytes=50)
        child.write(b"newest\n")
    assert log.read_text() == "newest\n"
    kept = {path.name: path.read_text()[:6] for path in tmp_path.iterdir() if path != log}
    assert kept == {"daemon.log.1": "part 4", "daemon.log.2": "part 3", "daemon.log.3": "part 2"}
    assert not logs.rotate(log, limit_bytes=50)


def test_what_a_child_started_ends_with_it(supervisor):
    program = (
        "import subprocess, sys, time; own = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(own.pid, flush=True); time.sleep(600)"
    )
    child = supervisor.start("code-server", [sys.executable, "-c", program])
    pid = int(wait_until(lambda: logs.last_lines(child.log)))
    supervisor.stop(grace_s=0.5)
    wait_until(lambda: identify(pid) is None)
