"""The Dagster UI behind its guard, as it is served: a process of its own on this test's databases."""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
import sqlalchemy as sa

from calling_pipeline.access.audit.tables import audit_log
from calling_pipeline.access.login import login
from calling_pipeline.access.people import people
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.conftest import TEMPLATE, temporary_database
from calling_pipeline_tests.running_up import free_port
from calling_pipeline_tests.support import LIMIT_S, free_name, wait_until

KEY = "a key for tests that is long enough"
PASSWORD = "a long enough password"


@dataclass(frozen=True)
class Served:
    """The running UI: its address, and a runtime on its database."""

    url: str
    runtime: Runtime

    def browser(self):
        """A browser without a login, on pages of the UI."""
        return httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=LIMIT_S, trust_env=False)

    def person(self, role, **more):
        """The name of a new person with a password."""
        name = free_name(role)
        with self.runtime.transaction() as connection:
            people.add(connection, name, role, by="test", **more)
            people.set_password(connection, name, PASSWORD, by="test")
        return name

    @contextmanager
    def logged_in(self, name):
        """A browser in which this person has logged in."""
        with self.browser() as browser:
            answer = browser.post("/login", data={"name": name, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            yield browser

    def link(self, name):
        """A link that logs the person in."""
        with self.runtime.transaction() as connection:
            return login.make_link(connection, name, by="test")

    def acts(self, name):
        """What the audit log says that this person did in Dagster: act and subject."""
        with self.runtime.transaction() as connection:
            wanted = (audit_log.c.door == "dagster", audit_log.c.person == name, ~audit_log.c.act.startswith("login."))
            rows = connection.execute(sa.select(audit_log).where(*wanted).order_by(audit_log.c.id))
            return [(row.act, row.subject) for row in rows]


_database = contextmanager(temporary_database)


@pytest.fixture(scope="module")
def served(server_url, dagster_template, tmp_path_factory):
    """`calling-pipeline ui` for all tests of a file, on databases and a small code location of its own."""
    folder = tmp_path_factory.mktemp("ui")
    with _database(server_url, TEMPLATE) as database, _database(server_url, dagster_template) as dagster_database:
        settings = load(home=folder / "home", database_url=_plain(database), secret_key=KEY)
        runtime = Runtime(settings)
        process, url = _start(folder, settings, _plain(dagster_database))
        yield Served(url, runtime)
        process.terminate()
        assert process.wait(LIMIT_S) == 0
        runtime.close()


def _start(folder, settings, dagster_database):
    (folder / "dagster.yaml").write_text(_INSTANCE)
    (folder / "workspace.yaml").write_text(
        "load_from:\n  - python_file: {relative_path: idle_jobs.py, location_name: here}\n"
    )
    (folder / "idle_jobs.py").write_text(_CODE)
    port = free_port()
    environment = {
        **os.environ,
        "CALLING_HOME": str(settings.home),
        "CALLING_DATABASE_URL": settings.database_url.get_secret_value(),
        "CALLING_DAGSTER_DATABASE_URL": dagster_database,
        "CALLING_SECRET_KEY": KEY,
        "CALLING_API_TOKENS": '{"a-token": {"role": "operator", "name": "robot"}, "bound": {"role": "admin", "tenant": 1}}',
        "CALLING_UI_HOSTS": '["ui.example"]',
    }
    command = [sys.executable, "-m", "calling_pipeline.cli.main", "ui", "--port", str(port), "--workspace", "workspace.yaml"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or _answers(url), limit_s=3 * LIMIT_S)
        assert process.poll() is None
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process, url


def _plain(url):
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _answers(url):
    try:
        return httpx.get(f"{url}/login", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


_INSTANCE = """
storage:
  custom: {module: calling_pipeline.defs.instance.storage, class: InstanceStorage, config: {}}
run_coordinator:
  module: dagster._core.run_coordinator
  class: QueuedRunCoordinator
telemetry: {enabled: false}
nux: {enabled: false}
"""
_CODE = """
import dagster as dg

@dg.op
def nothing():
    pass

@dg.job
def idle():
    nothing()

@dg.sensor(job=idle)
def watching(context):
    return dg.SkipReason("nothing to do")

@dg.asset
def thing():
    return 1

defs = dg.Definitions(jobs=[idle], sensors=[watching], assets=[thing])
"""
