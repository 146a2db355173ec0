"""What the notifications need from their caller: the database, a WeCom client, names of receivers, the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline.database.engine import reachable
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.outbox.delivery import WIDTH
from calling_pipeline.vendors.wecom import WeCom


@dataclass(frozen=True)
class NotificationDependencies:
    """Built by `Runtime.notifications`.

    `wecom` makes a client for one round. `robots` and `users` are the names of receivers with their keys and user ids.
    `rate`: messages per minute to one robot, 0 without a limit. `width`: messages in flight at once.
    """

    engine: sa.Engine
    wecom: Callable[[], WeCom]
    robots: Mapping[str, str] = field(repr=False)
    users: Mapping[str, str]
    plan: Plan
    rate: int
    width: int = WIDTH

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed when the block ends well.

        Raises `DatabaseUnavailable` when the database cannot be reached.
        """
        with reachable(self.engine) as connection, connection.begin():
            yield connection
