"""The simulated Metabase: sessions, and one saved question with technicians' status changes.

`/metabase/_sim/rows` replaces the rows (POST a list) or shows them; without that, the seeded world's changes of today.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from calling_pipeline.simulator.world import Simulation, World

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_TECHNICIANS = ("李明", "王芳", "张伟", "刘洋", "陈静", "杨帆")
_COMPANIES = ("北京经常亮工程技术有限公司", "北京虹途控股有限责任公司", "上海宜居防水工程有限公司")


def changes_of(world: World, day: dt.date, count: int = 12) -> list[list[Any]]:
    """The status changes of one day, the same whenever they are asked for."""
    dice = world.random("technicians", day.isoformat())
    start = dt.datetime.combine(day, dt.time(8), _SHANGHAI)
    rows: list[list[Any]] = []
    for number in range(count):
        at = start + dt.timedelta(minutes=dice.randrange(12 * 60))
        status = dice.choice(("上线", "下线"))
        change = f"{day:%Y%m%d}-{number:03d}"
        rows.append([change, at.isoformat(), dice.choice(_TECHNICIANS), dice.choice(_COMPANIES), None, [status]])
    return rows


class Metabase:
    """The state of one simulated Metabase."""

    def __init__(self, simulation: Simulation) -> None:
        self._world = simulation.world
        self._rows: list[list[Any]] | None = None
        self._sessions: set[str] = set()
        self._opened = 0

    async def session(self, request: Request) -> Response:
        body = await request.json()
        if not body.get("username") or not body.get("password") or body["password"] == "wrong":
            return JSONResponse({"errors": {"password": "did not match stored password"}}, status_code=401)
        self._opened += 1
        session = f"session-{self._opened}"
        self._sessions.add(session)
        return JSONResponse({"id": session})

    async def query(self, request: Request) -> Response:
        if request.headers.get("X-Metabase-Session") not in self._sessions:
            return Response("Unauthenticated", status_code=401)
        rows = self._rows if self._rows is not None else self._todays()
        return JSONResponse({"data": {"rows": rows}, "row_count": len(rows), "status": "completed"}, status_code=202)

    async def rows(self, request: Request) -> Response:
        if request.method == "POST":
            self._rows = await request.json()
        elif request.method == "DELETE":
            self._rows = None
        return JSONResponse(self._rows if self._rows is not None else self._todays())

    async def log_out(self, request: Request) -> Response:
        self._sessions.clear()
        return JSONResponse({"opened": self._opened})

    def _todays(self) -> list[list[Any]]:
        now = dt.datetime.now(_SHANGHAI)
        return [row for row in changes_of(self._world, now.date()) if row[1] <= now.isoformat()]


def routes(simulation: Simulation) -> list[BaseRoute]:
    """The vendor's endpoints and the tests' own."""
    metabase = Metabase(simulation)
    return [
        Route("/api/session", metabase.session, methods=["POST"]),
        Route("/api/card/{card:int}/query", metabase.query, methods=["POST"]),
        Route("/_sim/rows", metabase.rows, methods=["GET", "POST", "DELETE"]),
        Route("/_sim/sessions", metabase.log_out, methods=["DELETE"]),
    ]
