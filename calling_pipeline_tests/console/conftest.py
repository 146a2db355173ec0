"""The console over real HTTP: a server of this process on the test's database, and people who are logged in to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.access.login import login
from calling_pipeline.access.people import people
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.records import DayResult, Track
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.console.app import create_server
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Role, TokenGrant
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, http

ROLES = ("viewer", "collector", "operator", "admin")


@dataclass
class Console:
    """The running console: its address, its runtime, and who is logged in by which session."""

    url: str
    runtime: Runtime
    _known: set[str] = field(default_factory=set)

    def link(self, name: str, role: Any = None, **person: Any) -> str:
        """The address that logs this person in; the person is made when there is none. `role`: the name without one."""
        with self.runtime.transaction() as connection:
            if name not in self._known:
                people.add(connection, name, role if role is not None else cast(Role, name), by="test", **person)
                self._known.add(name)
            return f"{self.url}/login?link={login.make_link(connection, name, by='test')}"

    def client(self, role: str) -> httpx.Client:
        """A client with the token of this role, as programs have it; the caller closes it."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {role}-token"}, timeout=LIMIT_S)


@pytest.fixture
def console_runtime(app_settings, simulator) -> Iterator[Runtime]:
    """A runtime whose vendors are the simulator."""
    http.post(f"{simulator.url}/guanke/_sim/reset").raise_for_status()
    update = {
        "api_tokens": {f"{role}-token": TokenGrant(role=role) for role in ROLES},
        "guanke_base_url": f"{simulator.url}/guanke",
        "gateway_url": f"{simulator.url}/gateway",
        "wecom_base_url": f"{simulator.url}/wecom",
        "metabase_url": f"{simulator.url}/metabase",
        "guanke_secret": None,
        "allow_private_urls": True,
        **dict.fromkeys(("guanke_timeout_s", "gateway_timeout_s", "wecom_timeout_s", "infinity_timeout_s"), LIMIT_S),
    }
    made = Runtime(app_settings.model_copy(update=update))
    yield made
    made.close()


@pytest.fixture
def console(console_runtime: Runtime) -> Iterator[Console]:
    """The console's server."""
    with served(create_server(console_runtime)) as url:
        yield Console(url, console_runtime)


@pytest.fixture
def as_role(console: Console) -> Iterator[Callable[[str], httpx.Client]]:
    """`as_role("operator")`: a client of that role, without a browser."""
    clients: list[httpx.Client] = []

    def client(role: str) -> httpx.Client:
        clients.append(console.client(role))
        return clients[-1]

    yield client
    for one in clients:
        one.close()


@pytest.fixture
def log_in(console: Console, new_page: Any) -> Callable[..., Any]:
    """`log_in("operator")`: a new browser page in which a person of that role is logged in, in English.

    `log_in("li", role="collector", tenant_id=1, collector_id=3, language="zh", viewport=…)`.
    """

    def opened(name: str, role: str | None = None, language: str = "en", **options: Any) -> Any:
        person = {key: options.pop(key) for key in ("tenant_id", "collector_id", "grants") if key in options}
        page = new_page(base_url=console.url, **options)
        page.goto(console.link(name, role, language=language, **person))
        page.wait_for_url(lambda url: "/login" not in url)  # the first page leads on whoever may not see it
        return page

    return opened


@pytest.fixture
def sync(console: Console) -> Callable[..., list[DayResult]]:
    """`sync(track, *days)` reads days of call statistics as the timetable does; without any, yesterday."""
    ours = CallStatsDependencies.from_runtime(console.runtime)

    def run(track: Track, *wanted: dt.date) -> list[DayResult]:
        return sync_days(
            ours.engine,
            ours.guanke(),
            track,
            wanted or (days.today() - dt.timedelta(days=1),),
            sync_type="historical",
            phone_key=ours.phone_key,
            rules=ours.rules,
        )

    return run
