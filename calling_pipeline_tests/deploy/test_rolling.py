"""Two versions of the program at once, as processes: the newer one migrates while the older serves and calls.

The newer one is a copy of the package with migrations that this one does not know. At night only.
"""

import shutil
import threading
import time

import httpx
import pytest
import sqlalchemy as sa

from calling_pipeline.database.engine import make_engine
from calling_pipeline.database.revisions import newest_revision
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.deploy.containerfile import ROOT
from calling_pipeline_tests.deploy.running import TOKEN, Deployment
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, wait_until

pytestmark = [pytest.mark.skipif(not NIGHTLY, reason="of the nightly form"), pytest.mark.timeout(3600)]
PHONES, RATE = 3000, 5
MIGRATION = """from calling_pipeline.database.migration_steps import run_statement

revision = "{revision}"
down_revision = "{before}"

PREVIOUS_VERSION_RUNS = {runs}
REASON = "of a test"


def upgrade() -> None:
    run_statement("ALTER TABLE call_tasks ADD COLUMN {column} int")


def downgrade() -> None:
    run_statement("ALTER TABLE call_tasks DROP COLUMN {column}")
"""
NEXT, BREAKING = "8001_next", "8002_breaking"


@pytest.fixture
def deployment(tmp_path, empty_database_url, dagster_database_url, simulator):
    made = Deployment(tmp_path / "run", empty_database_url, dagster_database_url, simulator.url)
    yield made
    for process in made.processes.values():  # of a test that failed: a code server ends its own server, if it is asked
        if process.poll() is None:
            process.terminate()
            process.wait(2 * LIMIT_S)


@pytest.fixture
def newer(tmp_path):
    """A copy of the program that is one migration ahead."""
    folder = tmp_path / "newer"
    shutil.copytree(ROOT / "calling_pipeline", folder / "calling_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    ahead(folder, NEXT, newest_revision(), runs=True)
    return folder


def ahead(folder, revision, before, *, runs):
    """Give the copy one migration more."""
    text = MIGRATION.format(revision=revision, before=before, runs=runs, column=f"of_{revision}")
    (folder / "calling_pipeline/database/migrations/versions" / f"{revision}.py").write_text(text)


def migrated(deployment):
    """`calling-pipeline migrate` of the program that is chosen now; what it said."""
    before = len(deployment.log("migrate").read_text()) if deployment.log("migrate").exists() else 0
    status = deployment.start("migrate").wait(3 * LIMIT_S)
    said = deployment.log("migrate").read_text()[before:]
    assert status == 0, said
    return said


def refused(deployment, role):
    """What a role said that ended at once."""
    before = len(deployment.log(role).read_text()) if deployment.log(role).exists() else 0
    assert deployment.start(role).wait(LIMIT_S) == 1
    said = deployment.log(role).read_text()[before:]
    assert "Traceback" not in said
    return said


class Asking(threading.Thread):
    """Asks the API again and again, and keeps what was not answered with 200."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self._url, self._ended = url, threading.Event()
        self.answers, self.failures = 0, []

    def run(self):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=self._url, timeout=LIMIT_S, trust_env=False, headers=headers) as client:
            while not self._ended.is_set():
                for path in ("/readyz", "/api/v1/calls/batches", "/api/v1/status"):
                    answer = client.get(path)
                    self.answers += 1
                    if answer.status_code != 200:
                        self.failures.append((path, answer.status_code, answer.text[:200]))
                time.sleep(0.05)

    def end(self):
        self._ended.set()
        self.join(LIMIT_S)


def test_the_older_program_serves_and_calls_on_while_the_newer_one_migrates(
    deployment, newer, empty_database_url, app_settings, simulator
):
    migrated(deployment)
    engine = make_engine(empty_database_url)
    desk = make_desk(engine, app_settings, simulator)
    desk.work_orders([phone(number) for number in range(PHONES)])
    desk.task(rate_per_s=RATE)
    desk.plan()
    with engine.begin() as connection:  # as if its planner had died: the sensor starts a run
        connection.execute(sa.text("UPDATE call_batches SET planned_at = now() - interval '10 minutes'"))
    for role in ("api", "code", "daemon"):
        deployment.start(role)
    deployment.wait_for("api")
    old_api = deployment.processes["api"]
    port, deployment.ports["8000"] = deployment.ports["8000"], deployment.ports["3000"]  # the newer one's, beside it
    deployment.checkout = newer
    assert "older than this program; run `calling-pipeline migrate`" in refused(deployment, "api")

    asking = Asking(f"http://127.0.0.1:{port}")
    asking.start()
    wait_until(lambda: len(desk.gateway_calls()) > 4 * RATE, limit_s=5 * LIMIT_S, every_s=0.2)
    assert NEXT in migrated(deployment)
    called, answered = len(desk.gateway_calls()), asking.answers
    assert called < PHONES, "the batch was under way"
    wait_until(lambda: asking.answers > answered + 30)
    wait_until(lambda: len(desk.gateway_calls()) > called + RATE, limit_s=LIMIT_S, every_s=0.2)

    deployment.start("api")
    deployment.wait_for("api")
    asking.end()
    assert asking.failures == []
    assert old_api.poll() is None
    deployment.checkout = ROOT
    deployment.stop("api")
    deployment.start("api")  # the older one again, beside the newer schema
    deployment.wait_for("api")

    for role in ("daemon", "code"):
        deployment.stop(role)
    counts = {row.state: row.count for row in desk.rows("SELECT state, count(*) FROM call_tasks GROUP BY state")}
    assert counts["pushed"] + counts.get("unknown", 0) == PHONES - counts["pending"]
    desk.judge()

    deployment.checkout = newer
    ahead(newer, BREAKING, NEXT, runs=False)
    assert BREAKING in migrated(deployment)
    deployment.checkout = ROOT
    deployment.stop("api")
    said = refused(deployment, "api")
    assert f"({BREAKING}) is newer than this program (up to {newest_revision()}); upgrade the program" in said
    old_api.terminate()
    old_api.wait(LIMIT_S)
    engine.dispose()


def test_migrate_brings_an_older_storage_of_dagster_forward_with_its_runs(deployment, dagster_database_url):
    from alembic.script import ScriptDirectory
    from dagster._core.storage.sql import run_alembic_downgrade
    from dagster_postgres.run_storage import run_storage
    from dagster_postgres.utils import pg_alembic_config

    config = pg_alembic_config(run_storage.__file__)
    scripts = ScriptDirectory.from_config(config)
    [head] = scripts.get_heads()
    [older] = [str(one.down_revision) for one in scripts.walk_revisions() if "add bulk_actions job_name" in one.doc]
    engine = make_engine(dagster_database_url.set(drivername="postgresql+psycopg2"))

    def seen():
        with engine.connect() as connection:
            revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
            inspector = sa.inspect(connection)
            columns = {one["name"] for one in inspector.get_columns("bulk_actions")}
            return revision, "job_name" in columns, connection.exec_driver_sql("SELECT run_id FROM runs").scalars().all()

    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO runs (run_id, status, run_body) VALUES ('kept', 'SUCCESS', '{}')")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        run_alembic_downgrade(config, connection, older)
    assert seen() == (older, False, ["kept"])
    assert "Dagster's database has the schema of its version" in migrated(deployment)
    assert seen() == (head, True, ["kept"])
    assert "Dagster's database has the schema of its version" in migrated(deployment)
    engine.dispose()
