"""The simulated WeCom: robots, tokens, messages to people, and the exact list of what was delivered.

`/wecom/_sim/messages` is that list. `/wecom/_sim/rules` changes the rules: `robot_rate_per_minute` (null: none),
`bad_keys`, `unknown_users`, `invalid_users`, `token_lasts_s`. Planted faults of kind `errcode` (option `errcode`)
answer with that code, after the message was delivered when `after` is set.
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from calling_pipeline.simulator.world import Simulation

TEXT_BYTES = 2048
MARKDOWN_BYTES = 4096
WINDOW_S = 60.0


@dataclass
class Rules:
    """What the simulated vendor enforces."""

    robot_rate_per_minute: int | None = 20
    bad_keys: list[str] = field(default_factory=list)
    unknown_users: list[str] = field(default_factory=list)
    invalid_users: list[str] = field(default_factory=list)
    corp_secret: str | None = None
    token_lasts_s: float = 7200


class WeCom:
    """The state of one simulated WeCom."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.rules = Rules()
        self.messages: list[dict[str, Any]] = []
        self._recent: dict[str, deque[float]] = {}
        self._tokens: dict[str, float] = {}
        self._issued = 0

    async def robot(self, request: Request) -> Response:
        key = request.query_params.get("key", "")
        fault = self._fault(request)
        if fault is not None and not fault.after:
            return _said(int(fault.options["errcode"]), "planted")
        if not key or key in self.rules.bad_keys:
            return _said(93000, "invalid webhook url")
        content = _content(await request.body())
        if content is None:
            return _said(40058, "invalid Request Parameter")
        if self._over_rate(key):
            return _said(45009, "api freq out of limit")
        self.messages.append({"to": f"robot:{key}", "content": content, "at": time.time()})
        return _said(int(fault.options["errcode"]), "planted") if fault else _said(0, "ok")

    async def token(self, request: Request) -> Response:
        wanted = self.rules.corp_secret
        if not request.query_params.get("corpid"):
            return _said(40013, "invalid corpid")
        if not request.query_params.get("corpsecret") or wanted not in (None, request.query_params["corpsecret"]):
            return _said(40001, "invalid credential")
        self._issued += 1
        token = f"wecom-token-{self._issued}-{time.time_ns()}"
        self._tokens[token] = time.time() + self.rules.token_lasts_s
        return JSONResponse(
            {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": int(self.rules.token_lasts_s)}
        )

    async def message(self, request: Request) -> Response:
        expires = self._tokens.get(request.query_params.get("access_token", ""))
        fault = self._fault(request)
        if fault is not None and not fault.after:
            return _said(int(fault.options["errcode"]), "planted")
        if expires is None:
            return _said(40014, "invalid access_token")
        if expires < time.time():
            return _said(42001, "access_token expired")
        body = await request.body()
        content = _content(body)
        users = str(json.loads(body).get("touser", "")).split("|") if content is not None else []
        if content is None or not json.loads(body).get("agentid"):
            return _said(40058, "invalid Request Parameter")
        if not any(users) or all(user in self.rules.unknown_users for user in users):
            return _said(81013, "user & party & tag all invalid")
        missed = [user for user in users if user in self.rules.invalid_users or user in self.rules.unknown_users]
        at = time.time()
        self.messages += [{"to": f"user:{user}", "content": content, "at": at} for user in users if user not in missed]
        if fault is not None:
            return _said(int(fault.options["errcode"]), "planted")
        return JSONResponse({"errcode": 0, "errmsg": "ok", "invaliduser": "|".join(missed)})

    async def truth(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.messages.clear()
            self._recent.clear()
        return JSONResponse(self.messages)

    async def change_rules(self, request: Request) -> Response:
        if request.method == "POST":
            self.rules = Rules(**{**vars(self.rules), **await request.json()})
        elif request.method == "DELETE":
            self.rules = Rules()
        return JSONResponse({**vars(self.rules), "tokens_issued": self._issued})

    async def revoke(self, request: Request) -> Response:
        self._tokens.clear()
        return JSONResponse({"tokens_issued": self._issued})

    def _fault(self, request: Request) -> Any:
        faults = self._simulation.faults
        return faults.strike(request.url.path, "errcode") if faults.planted else None

    def _over_rate(self, key: str) -> bool:
        limit = self.rules.robot_rate_per_minute
        if limit is None:
            return False
        recent, now = self._recent.setdefault(key, deque()), time.monotonic()
        while recent and recent[0] <= now - WINDOW_S:
            recent.popleft()
        if len(recent) >= limit:
            return True
        recent.append(now)
        return False


def _content(body: bytes) -> str | None:
    """The text of a well-formed message within its limit of bytes."""
    try:
        message = json.loads(body)
        kind = message["msgtype"]
        content = message[kind]["content"]
    except (ValueError, KeyError, TypeError):
        return None
    limit = {"text": TEXT_BYTES, "markdown": MARKDOWN_BYTES}.get(kind)
    if limit is None or not isinstance(content, str) or not content or len(content.encode()) > limit:
        return None
    return content


def _said(code: int, words: str) -> Response:
    return JSONResponse({"errcode": code, "errmsg": words})


def routes(simulation: Simulation) -> list[BaseRoute]:
    """The vendor's endpoints and the tests' own."""
    wecom = WeCom(simulation)
    return [
        Route("/cgi-bin/webhook/send", wecom.robot, methods=["POST"]),
        Route("/cgi-bin/gettoken", wecom.token, methods=["GET"]),
        Route("/cgi-bin/message/send", wecom.message, methods=["POST"]),
        Route("/_sim/messages", wecom.truth, methods=["GET", "DELETE"]),
        Route("/_sim/rules", wecom.change_rules, methods=["GET", "POST", "DELETE"]),
        Route("/_sim/tokens", wecom.revoke, methods=["DELETE"]),
    ]
