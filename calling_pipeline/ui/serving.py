"""Dagster's own web server, with one change: what a visitor may do follows from who they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._cli.workspace.cli_target import workspace_opts_to_load_target
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster_shared.cli import WorkspaceOpts
from dagster_webserver.webserver import DagsterWebserver
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.database.lasting_pool import LastingPool
from calling_pipeline.runtime import Runtime
from calling_pipeline.ui.guard import VISITOR, Guard
from calling_pipeline.ui.pages import Pages
from calling_pipeline.ui.visitors import Visitor, Visitors

STATEMENT_LIMIT_MS, OLDEST_CONNECTION_S, MORE_CONNECTIONS = 15_000, 3_600, 20
"""What Dagster's own command sets for its web server."""
POLL_MS = 2_000


class _Webserver(DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext]):
    """Read-only for visitors who only look; Dagster's pages show it, and its mutations refuse."""

    def _make_request_context(self, conn: HTTPConnection) -> WorkspaceRequestContext:
        visitor = conn.scope.get(VISITOR)
        made = super()._make_request_context(conn)
        made._read_only = not (isinstance(visitor, Visitor) and visitor.may_change)
        return made


@contextmanager
def application(runtime: Runtime, workspace: Path, *, prefix: str = "") -> Iterator[ASGIApp]:
    """The guarded application for the code locations of the workspace file; DAGSTER_HOME names the instance."""
    visitors = Visitors(runtime.settings)
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_LIMIT_MS, OLDEST_CONNECTION_S, MORE_CONNECTIONS)
        target = workspace_opts_to_load_target(WorkspaceOpts(workspace=[str(workspace)]))
        with WorkspaceProcessContext(instance, target, version=dg.__version__) as context:
            server = _Webserver(context, prefix, POLL_MS)
            dagster = server.create_asgi_app(lifespan=_lifespan(runtime, visitors))
            https = (runtime.settings.ui_address).startswith("https://")
            pages = Pages(runtime, visitors, prefix=prefix, https=https)
            yield Guard(dagster, pages, runtime, visitors, prefix=prefix)


def _lifespan(runtime: Runtime, visitors: Visitors) -> Any:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        dsn = driver_dsn(runtime.direct_url)
        async with LastingPool(dsn, min_size=1, max_size=4) as pool:
            visitors.pool = pool
            yield

    return lifespan
