"""Fixtures all tests share: one real PostgreSQL for the session, a migrated database for each test (`databases.py`), and the
simulator as a real server process."""

from __future__ import annotations

import atexit
import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from filelock import FileLock
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import URL

from calling_pipeline import days, measures
from calling_pipeline.database import embedded, migrate
from calling_pipeline.database.engine import business_url, make_engine
from calling_pipeline.reports.files import typesetting
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings, load
from calling_pipeline.vendors import http
from calling_pipeline_tests.dagster_support import instance_on
from calling_pipeline_tests.databases import Databases, make_or_drop
from calling_pipeline_tests.support import (
    LIMIT_S,
    NIGHTLY,
    Simulator,
    end_processes,
    of_the_session,
    start_process,
    wait_until,
)

pytest_plugins = ["calling_pipeline_tests.browser.fixtures"]
TEMPLATE = "calling_template"
DAGSTER_TEMPLATE = "dagster_template"
LONGEST = ("test_machine", "example/test_every_page", "test_canary", "test_up", "api/test_fuzz", "console/test_matrix")
SPEED = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

settings.register_profile(  # the same examples in every run; at night others
    "default", max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "nightly", max_examples=500, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("CALLING_TEST_PROFILE", "default"))
signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the tests as Ctrl-C does: fixtures stop their servers


def _own_temporary_root() -> None:
    """Keep this run's temporary folders below a root of its own.

    A run of pytest closes the root that all runs of a user share (`/tmp/pytest-of-root`) to everybody else. As root, the
    embedded PostgreSQL runs as another user: the start of a second run took the data of the first run's server away.
    """
    if "PYTEST_DEBUG_TEMPROOT" in os.environ:  # set by the developer, or this is a worker and its parent has set it
        return
    root = tempfile.mkdtemp(prefix="calling-tests-")
    os.environ["PYTEST_DEBUG_TEMPROOT"] = root
    atexit.register(_remove, root)  # registered first, so it runs after the servers have stopped


def _remove(root: str) -> None:
    if not _failed:
        shutil.rmtree(root, ignore_errors=True)


def pytest_sessionfinish(exitstatus: int) -> None:
    """The temporary folders of a run that failed are kept."""
    if exitstatus:
        _failed.append(exitstatus)


os.environ["CALLING_VENDOR_RETRY_DELAY_S"] = "0"  # read once, on import: a step asks a vendor again without a pause
http.FIRST_PAUSE_S = 0.01  # as many attempts as in production, with shorter pauses between them
typesetting.LONGEST_S = LIMIT_S  # a document may take as long as a busy machine needs
measures.WRITE_EVERY_S = 1e6  # written when a runtime closes, never by a thread while a test's database is dropped
BEFORE_MIDNIGHT, LONG_BEFORE_MIDNIGHT = dt.timedelta(seconds=45), dt.timedelta(minutes=3)
AFTER_MIDNIGHT = dt.timedelta(seconds=61)
_failed: list[int] = []
_databases: dict[URL, Databases] = {}
_own_temporary_root()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: at the end of a run they would keep one worker busy while the others have nothing to do.

    At night each may take two hours: the limit of `pyproject.toml` is one for short forms.
    """
    for item in items:
        if NIGHTLY and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(7200))
    items.sort(key=lambda item: not _is_long(item))


def _is_long(item: pytest.Item) -> bool:
    return item.nodeid.removeprefix("calling_pipeline_tests/").startswith(LONGEST)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test begins and ends on one business day, and what was a minute ago is of that day too."""
    needed = LONG_BEFORE_MIDNIGHT if _is_long(item) else BEFORE_MIDNIGHT
    limit_s = (needed + AFTER_MIDNIGHT).total_seconds() + LIMIT_S
    wait_until(lambda: _is_amid_a_day(days.now(), needed), limit_s=limit_s, every_s=0.5)


def _is_amid_a_day(now: dt.datetime, needed: dt.timedelta) -> bool:
    begins, ends = days.day_bounds(now.date())
    return begins + AFTER_MIDNIGHT <= now < ends - needed


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting of the developer's shell or `.env` reaches a test, and every test starts on the system's clock."""
    for name in [name for name in os.environ if name.startswith("CALLING_") and not name.startswith("CALLING_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    measures.forget()
    yield
    days.set_clock(None)


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    """The processes that a test started end with it, also when it fails."""
    yield
    end_processes(but=of_the_session)


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """The session's PostgreSQL, shared by all workers, with a migrated template database: an embedded server, or the one
    CALLING_TEST_DATABASE_URL names (any PostgreSQL >= 15 whose role may create databases)."""
    given = os.environ.get("CALLING_TEST_DATABASE_URL")
    shared = _shared_folder(tmp_path_factory)
    with FileLock(shared / "postgres.lock"):
        url = business_url(given or embedded.start(shared / "postgres", settings=SPEED).get_uri())
        made = shared / "template.made"
        if not made.exists():
            _statement(url, f'DROP DATABASE IF EXISTS "{TEMPLATE}"')
            _statement(url, f'CREATE DATABASE "{TEMPLATE}"')
            engine = make_engine(url.set(database=TEMPLATE))
            migrate.upgrade(engine)
            engine.dispose()
            made.touch()
    yield url
    if url in _databases:
        _databases.pop(url).close()


def _shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder of all workers of this run."""
    folder = factory.getbasetemp()
    return folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder


@pytest.fixture(scope="session")
def dagster_template(server_url: URL, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a template database that holds Dagster's own tables, as Dagster makes them at its first start."""
    shared = _shared_folder(tmp_path_factory)
    with FileLock(shared / "dagster.lock"):
        made = shared / "dagster.made"
        if not made.exists():
            _statement(server_url, f'DROP DATABASE IF EXISTS "{DAGSTER_TEMPLATE}"')
            _statement(server_url, f'CREATE DATABASE "{DAGSTER_TEMPLATE}"')
            with instance_on(server_url.set(database=DAGSTER_TEMPLATE), tmp_path_factory.mktemp("dagster")):
                made.touch()
    return DAGSTER_TEMPLATE


@pytest.fixture
def dagster_database_url(server_url: URL, dagster_template: str) -> Iterator[URL]:
    """A database with Dagster's own tables, empty, this test's own."""
    yield from temporary_database(server_url, dagster_template)


@pytest.fixture
def empty_database_url(server_url: URL) -> Iterator[URL]:
    """A database with nothing in it."""
    yield from temporary_database(server_url, "template0")


@pytest.fixture
def database_url(server_url: URL) -> Iterator[URL]:
    """A database as the migrated template is: real, empty, this test's own."""
    yield from temporary_database(server_url, TEMPLATE)


@pytest.fixture
def engine(database_url: URL) -> Iterator[sa.Engine]:
    made = make_engine(database_url, pool_size=10, max_overflow=80)
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection whose transaction the test ends as it likes."""
    with engine.connect() as opened:
        yield opened


@pytest.fixture
def app_settings(database_url: URL, tmp_path: Path) -> Settings:
    """Settings that point at this test's database."""
    return load(
        home=tmp_path / "home",
        database_url=database_url.set(drivername="postgresql").render_as_string(hide_password=False),
        secret_key="a key for tests that is long enough",
    )


@pytest.fixture
def runtime(app_settings: Settings) -> Iterator[Runtime]:
    made = Runtime(app_settings)
    yield made
    made.close()


@pytest.fixture(scope="session")
def _simulator_process() -> Iterator[Simulator]:
    process = start_process(
        [sys.executable, "-m", "calling_pipeline.cli.main", "simulator", "--port", "0", "--records-per-day", "1200"],
        stderr=subprocess.PIPE,
        text=True,
    )
    of_the_session.append(process)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "http://" in line, f"the simulator did not start: {line}{process.stderr.read()}"
    yield Simulator("http://" + line.rsplit("http://", 1)[1].strip())
    process.terminate()
    process.wait(LIMIT_S)
    process.stderr.close()


@pytest.fixture
def simulator(_simulator_process: Simulator) -> Iterator[Simulator]:
    """The vendors over real HTTP, one process per worker; faults planted by a test are gone after it."""
    yield _simulator_process
    _simulator_process.clear_faults()


def temporary_database(server_url: URL, template: str) -> Iterator[URL]:
    """A database as `template` is, this user's own."""
    if server_url not in _databases:
        _databases[server_url] = Databases(server_url)
    with _databases[server_url].of(template) as url:
        yield url


def _statement(url: URL, statement: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    make_or_drop(engine, statement)
    engine.dispose()
