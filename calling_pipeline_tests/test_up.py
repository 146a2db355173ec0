"""`make up` as a newcomer meets it: everything starts by itself, the caches are full, Ctrl-C stops all of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from calling_pipeline import days
from calling_pipeline_tests.support import LIMIT_S, http, start_process

ROOT = Path(__file__).parents[1]
_PARTITIONS = """{ assetNodeOrError(assetKey: {path: ["grade_stats_cache"]}) { ... on AssetNode {
    assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } } } } }"""
_AUTOMATION = """{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name }
    schedules { name scheduleState { status } } sensors { name sensorState { status } } } } } }"""


def free_ports():
    with socket.socket() as one, socket.socket() as two, socket.socket() as three, socket.socket() as four:
        for opened in (one, two, three, four):
            opened.bind(("127.0.0.1", 0))
        names = ("UI", "API", "SIMULATOR", "CODE_SERVER")
        return dict(zip(names, (opened.getsockname()[1] for opened in (one, two, three, four)), strict=True))


class Up:
    """A running `calling-pipeline up`."""

    def __init__(self, folder):
        shutil.copy(ROOT / "dagster.yaml", folder)
        self.ports = free_ports()
        environment = {**os.environ, **{f"CALLING_{name}_PORT": str(port) for name, port in self.ports.items()}}
        command = [sys.executable, "-m", "calling_pipeline.cli.main", "up"]
        self.process = start_process(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line.strip())
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail("\n".join(self.said))

    def ask(self, query):
        return http.post(f"http://127.0.0.1:{self.ports['UI']}/graphql", json={"query": query}).json()["data"]

    def stop(self):
        """Ctrl-C; returns the exit status and the processes that outlived it."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(LIMIT_S)
        self.process.stderr.close()
        return status, [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.timeout(1800)
def test_everything_comes_up_filled_and_ctrl_c_ends_all_of_it(tmp_path):
    up = Up(tmp_path)
    try:
        [token] = [line.split()[2] for line in up.said if line.startswith("API token")]
        params = {"date": days.today().isoformat()}
        url = f"http://127.0.0.1:{up.ports['API']}/api/stats/grade-stats"
        answer = http.get(url, params=params, headers={"Authorization": f"Bearer {token}"}).json()
        assert answer["data"]["complete"] is True
        assert answer["data"]["from_cache"] is True

        [filled] = up.ask(_PARTITIONS)["assetNodeOrError"]["assetPartitionStatuses"]["ranges"]
        assert (filled["endKey"], filled["status"]) == (days.today().isoformat(), "MATERIALIZED")

        [location] = up.ask(_AUTOMATION)["repositoriesOrError"]["nodes"]
        assert location["location"]["name"] == "calling_pipeline"
        running = {one["name"] for one in location["schedules"] if one["scheduleState"]["status"] == "RUNNING"}
        assert running >= {"task_stats_t10", "task_stats_t3", "task_stats_today"}
        assert running >= {"grade_stats_t10", "grade_stats_t3", "grade_stats_today"}
        assert all(one["sensorState"]["status"] == "RUNNING" for one in location["sensors"])
    finally:
        status, left = up.stop()
    assert status == 0
    assert left == []
    assert (tmp_path / ".calling" / "postgres" / "PG_VERSION").exists()
    assert not (tmp_path / ".calling" / "postgres" / "postmaster.pid").exists()
