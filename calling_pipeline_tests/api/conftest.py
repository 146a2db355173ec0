"""The API over a real server: a uvicorn of this process on a free port, its runtime on the test's database."""

from collections.abc import Iterator

import httpx
import pytest

from calling_pipeline.api.app import create_app
from calling_pipeline.api.serving import configuration
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.serving import running
from calling_pipeline_tests.support import LIMIT_S, http

TOKENS = {
    "admin-token": TokenGrant(role="admin"),
    "operator-token": TokenGrant(role="operator"),
    "viewer-token": TokenGrant(role="viewer"),
}


@pytest.fixture
def api_runtime(app_settings, simulator) -> Iterator[Runtime]:
    """A runtime whose vendor is the simulator; `/guanke/_sim/served` counts what it is asked."""
    http.post(f"{simulator.url}/guanke/_sim/reset").raise_for_status()
    update = {
        "api_tokens": TOKENS,
        "guanke_base_url": f"{simulator.url}/guanke",
        "guanke_timeout_s": LIMIT_S,
        "guanke_secret": None,
    }
    made = Runtime(app_settings.model_copy(update=update))
    yield made
    made.close()


@pytest.fixture
def api(api_runtime) -> Iterator[str]:
    """The API over real HTTP: its base URL."""
    with running(configuration(create_app(api_runtime), timeout_keep_alive=int(LIMIT_S))) as (url, _):
        yield url


@pytest.fixture
def viewer(api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api, headers={"Authorization": "Bearer viewer-token"}, timeout=LIMIT_S) as client:
        yield client


@pytest.fixture
def operator(api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api, headers={"Authorization": "Bearer operator-token"}, timeout=LIMIT_S) as client:
        yield client


@pytest.fixture
def admin(api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api, headers={"Authorization": "Bearer admin-token"}, timeout=LIMIT_S) as client:
        yield client
