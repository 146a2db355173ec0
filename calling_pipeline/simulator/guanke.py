"""Guanke over loopback HTTP: `/token`, call records and task statistics, with the vendor's own misbehaviour on request.

Faults beyond the common ones (`path` may name a page as `page=3&`): `revoked_token`; `drift` (`rows` new calls arrive at
the front before the answer, so that later pages shift); `growing_total` (`by`); `duplicate_ids` (`rows` of the page are
replaced by its first); `code` (`code`, `message`); `unknown_grades` (`rows`, `text`); `new_field` (`field`, `value`);
`missing_field` (`field`); `wrong_value` (`field`, `value`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import secrets
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from calling_pipeline import days
from calling_pipeline.simulator.faults import Fault
from calling_pipeline.simulator.guanke_days import Call, Day, Days, task_rows, truth
from calling_pipeline.simulator.pushed_calls import PushedCalls
from calling_pipeline.simulator.true_rates import TrueRates
from calling_pipeline.simulator.world import Simulation

LARGEST_PAGE = 1000
LONGEST_WINDOW_S = 7 * 86400
_RECORD_FAULTS = ("duplicate_ids", "unknown_grades", "new_field", "missing_field", "wrong_value")


def routes(simulation: Simulation, rates: TrueRates, pushed: PushedCalls | None = None) -> list[BaseRoute]:
    """The vendor's endpoints, and the tests' own beneath `/_sim`; calls of `pushed` are among its records."""
    guanke = _Guanke(simulation, rates, pushed)
    return [
        Route("/token", guanke.token),
        Route("/token/secret", guanke.token),
        Route("/task/cdr/all2", guanke.calls),
        Route("/extension/agent/stat", guanke.tasks),
        Route("/_sim/truth", guanke.truth),
        Route("/_sim/served", guanke.served),
        Route("/_sim/best_time", guanke.best_time),
        Route("/_sim/credentials", guanke.demand, methods=["POST"]),
        Route("/_sim/revoke", guanke.revoke, methods=["POST"]),
        Route("/_sim/size", guanke.resize, methods=["POST"]),
        Route("/_sim/correct", guanke.correct, methods=["POST"]),
        Route("/_sim/reset", guanke.reset, methods=["POST"]),
    ]


class _Guanke:
    def __init__(self, simulation: Simulation, rates: TrueRates, pushed: PushedCalls | None) -> None:
        self._faults = simulation.faults
        self._rates, self._pushed = rates, pushed
        self._days = Days(simulation.world, rates)
        self._demanded: dict[str, str] = {}
        self._tokens: set[str] = set()
        self._grown: Counter[str] = Counter()
        self._arrivals = itertools.count(1)
        self._served = {"token": 0, "calls": 0, "tasks": 0}

    async def token(self, request: Request) -> Response:
        """Any credentials will do unless some were demanded."""
        self._served["token"] += 1
        given = dict(request.query_params)
        wanted = {name: self._demanded[name] for name in given if name in self._demanded}
        if self._demanded and (not wanted or any(given[name] != value for name, value in wanted.items())):
            return _refusal(401, "账号或密码错误")
        issued = secrets.token_hex(16)
        self._tokens.add(issued)
        return JSONResponse({"code": 200, "message": "OK", "data": {"token": issued}})

    async def calls(self, request: Request) -> Response:
        """Call records of a window, newest first."""
        self._served["calls"] += 1
        query = _query(request)
        if (refusal := self._refused(request, query)) is not None:
            return refusal
        try:
            first, last = _instant(query["startTime"]), _instant(query["endTime"])
            page, size = int(query.get("page", "1")), int(query.get("pageSize", "20"))
        except (KeyError, ValueError):
            return _refusal(400, "参数错误")
        if last - first > LONGEST_WINDOW_S:
            return _refusal(400, "时间范围不能超过7天")
        self._drift(request, first)
        filters = {name: query[name] for name in ("phone", "callState", "taskId") if query.get(name)}
        total, body = self._page(first, min(last, self._now_s()), page, size, filters)
        total += self._growth(request, query["startTime"])
        body = self._spoil(request, body)
        head = b'{"code":200,"message":"OK","data":{"data":['
        tail = f'],"page":{page},"totalCount":{total},"start":{first},"end":{last},"only":""}}}}'
        return Response(head + body + tail.encode(), media_type="application/json")

    async def tasks(self, request: Request) -> Response:
        """Statistics by dialling task over whole days; the rows carry no date."""
        self._served["tasks"] += 1
        query = _query(request)
        if (refusal := self._refused(request, query)) is not None:
            return refusal
        try:
            first, last = dt.date.fromisoformat(query["start_time"]), dt.date.fromisoformat(query["end_time"])
            page, size = int(query.get("page", "1")), int(query.get("pageSize", "20"))
        except (KeyError, ValueError):
            return _refusal(400, "参数错误")
        rows = task_rows([call for day in days.day_range(first, last) for call in self._visible(day)])
        shown = rows[(page - 1) * size : page * size] if size <= LARGEST_PAGE else []
        body = self._spoil(request, b",".join(json.dumps(row, ensure_ascii=False).encode() for row in shown))
        total = len(rows) + self._growth(request, query["start_time"])
        head, tail = b'{"code":200,"message":"OK","data":{"data":[', f'],"totalCount":{total}}}}}'
        return Response(head + body + tail.encode(), media_type="application/json")

    async def truth(self, request: Request) -> Response:
        """The exact numbers of `date`, up to `as_of` (ISO instant; without it: now)."""
        date = dt.date.fromisoformat(request.query_params["date"])
        as_of = request.query_params.get("as_of")
        until = int(dt.datetime.fromisoformat(as_of).timestamp()) if as_of else self._now_s()
        day = self._days.day(date)
        return JSONResponse(truth(date, day.calls[: day.between(0, until)[1]]))

    async def served(self, request: Request) -> Response:
        """How many requests each endpoint has answered."""
        return JSONResponse(self._served)

    async def best_time(self, request: Request) -> Response:
        """The true chance of every hour, which no vendor would say."""
        return JSONResponse(self._rates.truth())

    async def demand(self, request: Request) -> Response:
        """`{"secret"}` or `{"username", "password"}` become the only credentials that are accepted; `{}`: any."""
        self._demanded = dict(await request.json())
        return JSONResponse({})

    async def revoke(self, request: Request) -> Response:
        """Every token issued so far is refused from now on."""
        self._tokens.clear()
        return JSONResponse({})

    async def resize(self, request: Request) -> Response:
        """`{"date", "calls"}`: the day has that many calls (at most 999,999)."""
        wanted = await request.json()
        self._days.resize(dt.date.fromisoformat(wanted["date"]), min(999_999, int(wanted["calls"])))
        return JSONResponse({})

    async def correct(self, request: Request) -> Response:
        """`{"date", "grade", "order", "rows", "from"}`: operators correct `rows` grades from position `from`."""
        wanted = await request.json()
        day, first = self._days.day(dt.date.fromisoformat(wanted["date"])), int(wanted.get("from", 0))
        for position in range(first, first + int(wanted["rows"])):
            fields = {**day.calls[position].fields, "grade": wanted["grade"]}
            day.calls[position] = Call(fields, int(wanted["order"]))
        day.changed()
        return JSONResponse({})

    async def reset(self, request: Request) -> Response:
        """Forget corrections, sizes, demanded credentials and growth."""
        self._days.reset()
        self._demanded = {}
        self._grown.clear()
        return JSONResponse({})

    def _refused(self, request: Request, query: dict[str, str]) -> Response | None:
        fault = self._strike(request, "revoked_token")
        if fault is not None:
            self._tokens.clear()
        if request.headers.get("Authorization", "") not in self._tokens:
            if fault is not None and fault.options.get("http"):
                return Response("", status_code=401)
            return _refusal(401, "token无效")
        fault = self._strike(request, "code")
        if fault is not None:
            return _refusal(int(fault.options.get("code", 500)), str(fault.options.get("message", "系统繁忙")))
        return None

    def _page(self, first: int, last: int, page: int, size: int, filters: dict[str, str]) -> tuple[int, bytes]:
        """Total of the window and the page's records, encoded. A window within one unfiltered day is cut without copying."""
        dates = days.day_range(_date(first), max(_date(first), _date(last)))
        if len(dates) == 1 and not filters:
            day = self._days.day(dates[0])
            low, high = day.between(first, last)
            return high - low, _cut(day, low, high, page, size)
        calls = [call for date in reversed(dates) for call in reversed(self._window(date, first, last))]
        chosen = [call for call in calls if all(str(call.fields.get(name)) == value for name, value in filters.items())]
        shown = chosen[(page - 1) * size : page * size] if size <= LARGEST_PAGE else []
        return len(chosen), b",".join(call.encoded for call in shown)

    def _window(self, date: dt.date, first: int, last: int) -> list[Call]:
        day = self._days.day(date)
        low, high = day.between(first, last)
        return day.calls[low:high]

    def _visible(self, date: dt.date) -> list[Call]:
        return self._window(date, 0, self._now_s())

    def _now_s(self) -> int:
        """The time of the world; what appeared by then is among the days' calls."""
        own_s = int(days.now().timestamp())
        if self._pushed is None:
            return own_s
        now_s = self._pushed.now_s(own_s)
        for fields, order in self._pushed.appeared(now_s):
            self._days.add(Call(fields, order))
        return now_s

    def _drift(self, request: Request, first: int) -> None:
        """New calls arrive at the front of the window that is being read."""
        fault = self._strike(request, "drift")
        if fault is None:
            return
        day = self._days.day(_date(first))
        for _ in range(int(fault.options.get("rows", 3))):
            newest = day.calls[-1]
            number = next(self._arrivals)
            fields = {**newest.fields, "id": 9_000_000_000 + number, "grade": "9元", "callState": 2}
            day.calls.append(Call(fields, 9))
            day.moments.append(day.moments[-1])
        day.changed()

    def _growth(self, request: Request, window: str) -> int:
        """By how much the total of a window has grown; without limit while the fault is planted."""
        if (fault := self._strike(request, "growing_total")) is not None:
            self._grown[window] += int(fault.options.get("by", 1))
        return self._grown[window]

    def _spoil(self, request: Request, body: bytes) -> bytes:
        for kind in _RECORD_FAULTS:
            fault = self._strike(request, kind)
            if fault is not None:
                rows = _spoiled_rows(fault, json.loads(b"[" + body + b"]"))
                body = json.dumps(rows, ensure_ascii=False)[1:-1].encode()
        return body

    def _strike(self, request: Request, kind: str) -> Fault | None:
        if not self._faults.planted:
            return None
        return self._faults.strike(f"{request.url.path}?{request.url.query}&", kind)


def _spoiled_rows(fault: Fault, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    options = fault.options
    count = int(options.get("rows", len(rows)))
    touched = rows[:count]
    match fault.kind:
        case "duplicate_ids":
            return [rows[0] if 0 < number <= count else row for number, row in enumerate(rows)]
        case "unknown_grades":
            for row in touched:
                row["grade"] = options.get("text", "高意向2026")
        case "new_field" | "wrong_value":
            for row in touched:
                row[options.get("field", "aiScore")] = options.get("value", 87)
        case "missing_field":
            for row in touched:
                row.pop(options.get("field", "grade"), None)
    return rows


def _cut(day: Day, low: int, high: int, page: int, size: int) -> bytes:
    if size > LARGEST_PAGE or page < 1 or size < 1:
        return b""
    last = high - (page - 1) * size
    first = max(low, last - size)
    if last <= first:
        return b""
    if (first, last) not in day.pages:
        day.pages[first, last] = b",".join(call.encoded for call in reversed(day.calls[first:last]))
    return day.pages[first, last]


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.url.query))


def _refusal(code: int, message: str) -> Response:
    return JSONResponse({"code": code, "message": message, "data": None})


def _instant(text: str) -> int:
    return int(dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=days.SHANGHAI).timestamp())


def _date(moment: int) -> dt.date:
    return dt.datetime.fromtimestamp(moment, days.SHANGHAI).date()
