"""One-time login links of the example's people: they have no passwords."""

from __future__ import annotations

from collections.abc import Mapping

from calling_pipeline.access.login import login
from calling_pipeline.example import keeping
from calling_pipeline.example.names import PEOPLE
from calling_pipeline.runtime import Runtime


def links(runtime: Runtime, *, by: str) -> Mapping[str, str]:
    """For each person the address that logs them in once, within ten minutes.

    Raises `ConfigurationError` where a vendor is not the simulator, `NotFound` without the example, `Conflict` when it was
    removed.
    """
    keeping.require_simulator(runtime.settings)
    with runtime.transaction() as connection:
        made = {one.name: login.make_link(connection, one.name, by=by) for one in PEOPLE}
    return {name: f"{runtime.settings.address}/login?link={link}" for name, link in made.items()}
