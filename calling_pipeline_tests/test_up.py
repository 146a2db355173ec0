"""`make up` as a newcomer meets it: everything starts by itself, the caches are full, Ctrl-C stops all of it."""

import pytest

from calling_pipeline import days
from calling_pipeline_tests.running_up import Up
from calling_pipeline_tests.support import http

_PARTITIONS = """{ assetNodeOrError(assetKey: {path: ["grade_stats_cache"]}) { ... on AssetNode {
    assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } } } } }"""
_AUTOMATION = """{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name }
    schedules { name scheduleState { status } } sensors { name sensorState { status } } } } } }"""


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

        filled = up.ask(_PARTITIONS)["assetNodeOrError"]["assetPartitionStatuses"]["ranges"]
        assert {one["status"] for one in filled} <= {"MATERIALIZED", "MATERIALIZING"}, filled  # the next read may have begun
        assert (filled[0]["status"], filled[-1]["endKey"]) == ("MATERIALIZED", days.today().isoformat())

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
