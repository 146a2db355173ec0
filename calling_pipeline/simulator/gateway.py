"""The dialling gateway: takes one number per request, calls it once per `distinct_id`, and keeps the exact truth.

Truth: `GET /gateway/_sim/calls` (calls made; `DELETE` resets), `GET /gateway/_sim/requests` (when each request arrived).
Fault of its own: `refuse` (`options`: `resp_code`, `message`), a business refusal.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from calling_pipeline.simulator.pushed_calls import PushedCalls
from calling_pipeline.simulator.world import Simulation

_TCP_FIELDS = ("req_time", "svc_code", "api_code", "transaction_id", "sign", "version")
_PROPERTIES = (
    "event_code", "oper_time", "target_obj_type", "target_obj_id", "accs_nbr", "contact_nbr", "lan_id", "cust_name",
    "busi_params",
)  # fmt: skip
_BUSINESS = ("staff_name", "sys_name", "order_type", "order_nums")


@dataclass
class Call:
    """One call made: the number, when, how many requests asked for it, and the person's fields."""

    distinct_id: str
    phone: str
    at: float
    requests: int
    busi_params: dict[str, Any]


class Gateway:
    """What the gateway did."""

    def __init__(self, simulation: Simulation, pushed: PushedCalls | None) -> None:
        self._faults = simulation.faults
        self._pushed = pushed
        self.forget()

    def forget(self) -> None:
        """Reset: no call was made, no request arrived."""
        self.calls: dict[str, Call] = {}
        self.refused: dict[str, tuple[str, str]] = {}
        self.malformed: list[str] = []
        self.arrivals: list[float] = []

    def answer(self, headers: dict[bytes, bytes], body: bytes) -> tuple[str, str]:
        """(`resp_code`, `result_msg`) of one request."""
        self.arrivals.append(time.time())
        wrong, root = _read(headers, body)
        if wrong:
            self.malformed.append(wrong)
            return "1001", wrong
        content = root["svc_cont"]
        distinct_id, phone = content["distinct_id"], content["properties"]["accs_nbr"]
        known = self.calls.get(distinct_id)
        if known is not None:
            known.requests += 1
            if known.phone == phone:
                return "0", "success"
            self.malformed.append(f"distinct_id {distinct_id} used for two numbers")
            return "1003", "distinct_id used for another number"
        if distinct_id in self.refused:
            return self.refused[distinct_id]
        fault = self._faults.strike("/gateway/", "refuse") if self._faults.planted else None
        if fault is not None:
            said = str(fault.options.get("resp_code", "2001")), str(fault.options.get("message", "number not in service"))
            self.refused[distinct_id] = said
            return said
        self.calls[distinct_id] = Call(distinct_id, phone, time.time(), 1, content["properties"]["busi_params"])
        if self._pushed is not None:
            self._pushed.take(distinct_id, phone, root["tcp_cont"]["req_time"])
        return "0", "success"


def routes(simulation: Simulation, pushed: PushedCalls | None = None) -> list[BaseRoute]:
    """The gateway's one URL and its truth; what it takes goes on into `pushed`."""
    gateway = Gateway(simulation, pushed)

    async def calls(request: Request) -> Response:
        if request.method == "DELETE":
            gateway.forget()
        return JSONResponse([asdict(call) for call in gateway.calls.values()])

    async def requests(request: Request) -> Response:
        return JSONResponse(
            {"arrivals": gateway.arrivals, "malformed": gateway.malformed, "refused": sorted(gateway.refused)}
        )

    return [
        Route("/_sim/calls", calls, methods=["GET", "DELETE"]),
        Route("/_sim/requests", requests),
        Route("/", _Push(gateway), methods=["POST"]),
    ]


class _Push:
    """The endpoint, plain ASGI because a benchmark measures against it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        code, said = self._gateway.answer(dict(scope["headers"]), body)
        answer = {"contractRoot": {"svcCont": {"result": {"resp_code": code, "result_msg": said}}}}
        await Response(json.dumps(answer), media_type="application/json")(scope, receive, send)


def _read(headers: dict[bytes, bytes], body: bytes) -> tuple[str, dict[str, Any]]:
    """What is wrong with a request ("" when nothing), and its `contract_root`."""
    for name in (b"x-app-id", b"x-app-key"):
        if not headers.get(name):
            return f"header {name.decode()} is missing", {}
    if not headers.get(b"content-type", b"").startswith(b"application/json"):
        return "Content-Type is not application/json", {}
    try:
        root = json.loads(body)["contract_root"]
        transport, content = root["tcp_cont"], root["svc_cont"]
        properties = content["properties"]
        missing = [name for name in _TCP_FIELDS if name not in transport]
        missing += [name for name in _PROPERTIES if name not in properties]
        missing += [name for name in _BUSINESS if name not in properties["busi_params"]]
        distinct_id = content["distinct_id"]
    except (ValueError, KeyError, TypeError) as error:
        return f"the body is not of the contract: {error!r}", {}
    if missing:
        return f"missing: {', '.join(missing)}", {}
    if not re.fullmatch(r"\d{17}", str(distinct_id)):
        return "distinct_id is not 17 digits", {}
    if not re.fullmatch(r"\d{17}", str(transport["req_time"])):
        return "req_time is not YYYYMMDDHHMMSS000", {}
    if not properties["accs_nbr"] or properties["accs_nbr"] != properties["contact_nbr"]:
        return "accs_nbr and contact_nbr differ", {}
    return "", root
