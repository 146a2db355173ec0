"""A runtime whose vendors are all the simulator's, as the example world wants it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calling_pipeline.access.people import people
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.support import LIMIT_S, http

PATIENT = dict.fromkeys(("guanke_timeout_s", "gateway_timeout_s", "wecom_timeout_s", "infinity_timeout_s"), LIMIT_S)


def at_the_simulator(settings, simulator, **more):
    """The settings of an installation with nothing but the simulator."""
    vendors = {"guanke_base_url": "guanke", "gateway_url": "gateway", "wecom_base_url": "wecom", "metabase_url": "metabase"}
    urls = {name: f"{simulator.url}/{vendor}" for name, vendor in vendors.items()}
    port = int(simulator.url.rsplit(":", 1)[1])
    return settings.model_copy(update={**urls, "simulator_port": port, "guanke_secret": None, **more})


@pytest.fixture
def example_runtime(app_settings, simulator) -> Iterator[Runtime]:
    http.delete(f"{simulator.url}/wecom/_sim/messages").raise_for_status()
    http.delete(f"{simulator.url}/gateway/_sim/calls").raise_for_status()
    made = Runtime(at_the_simulator(app_settings, simulator, private_origins=[simulator.url], **PATIENT))
    with made.transaction() as connection:
        people.ensure_admin(connection)
    yield made
    made.close()
