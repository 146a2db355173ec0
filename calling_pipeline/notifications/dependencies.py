"""What the notifications need from their caller: the database, a WeCom client, names of receivers, the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline.database.engine import reachable
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.config import load as load_plan
from calling_pipeline.runtime import Runtime
from calling_pipeline.vendors.http import VendorHttp
from calling_pipeline.vendors.metabase import LARGEST_ANSWER, Metabase
from calling_pipeline.vendors.wecom import WeCom

WIDTH = 40
"""Messages in flight at once: thirty-two on the wire, and some whose result is being recorded."""


@dataclass(frozen=True)
class NotificationDependencies:
    """Makers of clients, names and limits.

    `wecom` makes a client for one round, `metabase` one for one query. `robots` and `users` are the names of receivers
    with their keys and user ids. `rate`: messages per minute to one robot, 0 without a limit. `width`: messages in
    flight at once. `shadow`: no message is made or sent.
    """

    engine: sa.Engine
    wecom: Callable[[], WeCom]
    metabase: Callable[[], Metabase]
    robots: Mapping[str, str] = field(repr=False)
    users: Mapping[str, str]
    plan: Plan
    rate: int
    width: int = WIDTH
    shadow: bool = False

    @classmethod
    def from_runtime(cls, runtime: Runtime) -> NotificationDependencies:
        """As the settings and the campaigns file say. Raises `ConfigurationError` when that file is not usable."""
        settings = runtime.settings
        return cls(
            engine=runtime.engine,
            wecom=lambda: wecom_client(runtime),
            metabase=lambda: metabase_client(runtime),
            robots=settings.wecom_robots,
            users=settings.wecom_users,
            plan=load_plan(settings.campaigns_file),
            rate=settings.wecom_robot_rate_per_minute,
            shadow=settings.shadow,
        )

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed when the block ends well.

        Raises `DatabaseUnavailable` when the database cannot be reached.
        """
        with reachable(self.engine) as connection, connection.begin():
            yield connection


def wecom_client(runtime: Runtime, *, concurrency: int = WIDTH) -> WeCom:
    """A client of WeCom, to be used as an async context manager within one event loop."""
    settings = runtime.settings
    return WeCom(
        VendorHttp(
            "wecom",
            settings.wecom_base_url,
            concurrency=concurrency,
            timeout_s=settings.wecom_timeout_s,
            shadow=settings.shadow,
        ),
        runtime.credentials,
        corp_id=settings.wecom_corp_id,
        corp_secret=settings.wecom_corp_secret.get_secret_value(),
        agent_id=settings.wecom_agent_id,
    )


def metabase_client(runtime: Runtime) -> Metabase:
    """A client of Metabase, to be used as an async context manager within one event loop."""
    settings = runtime.settings
    return Metabase(
        VendorHttp("metabase", settings.metabase_url, largest_answer=LARGEST_ANSWER),
        runtime.credentials,
        username=settings.metabase_username,
        password=settings.metabase_password.get_secret_value(),
    )
