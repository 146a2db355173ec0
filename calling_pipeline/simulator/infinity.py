"""Simulated Infinity.

`POST /infinity/api` follows the vendor's contract. Calls ring, connect and end by themselves; their signed callbacks come
with the delays, repeats, losses and changes of order that `/infinity/_sim/settings` asks for.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from calling_pipeline.simulator.recordings import Recordings
from calling_pipeline.simulator.world import Simulation

SHANGHAI = ZoneInfo("Asia/Shanghai")
KINDS = ("refuse", "ret", "token")
"""Faults of Infinity's own: `refuse` (options code), `ret` (options ret), `token` (the token is forgotten).
Their path is the operation, such as `MakeCall`; those of recordings (`recordings.KINDS`) have the path `recordings`."""
RESULTS = ("未接听", "用户忙", "主叫取消", "呼叫失败")
IDLE, RINGING, TALKING = 1201, 1202, 1204

Form = dict[str, str]


@dataclass
class Behaviour:
    """How calls and callbacks go. Ranges are seconds; rates are probabilities."""

    ring_s: tuple[float, float] = (0.5, 2.0)
    talk_s: tuple[float, float] = (3.0, 20.0)
    answer_rate: float = 0.6
    callback_url: str = ""
    callback_secret: str = ""
    callback_delay_s: tuple[float, float] = (0.0, 0.5)
    callback_loss: float = 0.0
    callback_repeat: float = 0.0
    callback_early: float = 0.0
    callback_timeout_s: float = 10.0
    names_call_uuid: bool = True
    echoes_reference: bool = False
    page_size: int = 100
    unknown_extensions: list[str] = field(default_factory=list)
    recording_link_s: float = 3600.0


@dataclass
class Call:
    """One call Infinity accepted, and what became of it."""

    call_uuid: str
    customuuid: str
    extnumber: str
    destnumber: str
    disnumber: str
    userid: str
    memberid: str
    began: float
    duration: int
    connected: bool
    result: str
    overlapping: bool
    ended: float | None = None
    read: bool = False
    callbacks: list[int] = field(default_factory=list)


class Infinity:
    """All tenants' accounts in one: any appid may log in whose access key is not `wrong`."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._random = random.Random(f"infinity {simulation.world.seed}")
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self.recordings = Recordings(simulation.faults)
        self.reset()

    def reset(self) -> None:
        """Forget every call, token and setting."""
        self.behaviour = Behaviour()
        self.calls: list[Call] = []
        self.tokens: dict[str, float] = {}
        self.logins = 0
        self.lines: dict[str, int] = {}
        self.busy: dict[str, int] = {}

    async def operate(self, request: Request) -> Response:
        """One operation, by its `service`."""
        self.recordings.base = str(request.url.replace(query="")).rpartition("/")[0] + "/"
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        service = form.get("service", "")
        operations: dict[str, Callable[[Form], Awaitable[Response]]] = {
            "App.Sip_Auth.Login": self._login,
            "App.Sip_Call.MakeCall": self._make_call,
            "App.Sip_Status.GetSipCallStatus": self._status,
            "App.Sip_Cdr.GetBill": self._bill,
            "App.Sip_Cdr.GetRecodeFile": self._recording,
        }
        if service not in operations:
            return _answer({}, ret=400, msg="no such service")
        fault = self._simulation.faults.strike(service, *KINDS) if self._simulation.faults.planted else None
        if fault is not None and fault.kind == "ret":
            return _answer({}, ret=int(fault.options["ret"]), msg="on request")
        if fault is not None and fault.kind == "refuse":
            return _answer({"status": 1, "code": fault.options.get("code", 1032)})
        if fault is not None:
            self.tokens.clear()
        if service != "App.Sip_Auth.Login" and self.tokens.get(form.get("token", ""), 0) < time.time():
            return _answer({}, ret=600, msg="token invalid")
        return await operations[service](form)

    async def _login(self, form: Form) -> Response:
        if not form.get("appid") or form.get("accesskey", "wrong") in ("", "wrong"):
            return _answer({}, ret=601, msg="appid not authorised")
        self.logins += 1
        token = uuid.uuid4().hex
        self.tokens[token] = time.time() + 12 * 3600
        return _answer({"status": 0, "token": token})

    async def _make_call(self, form: Form) -> Response:
        extension, destination = form.get("extnumber", ""), form.get("destnumber", "")
        if not extension or not destination:
            return _answer({}, ret=400, msg="extnumber and destnumber are needed")
        if extension in self.behaviour.unknown_extensions:
            return _answer({"status": 1, "code": 1012})
        call = self._accept(form)
        if self._random.random() < self.behaviour.callback_early:
            await self._call_back(call)
        data: dict[str, Any] = {"status": 0}
        if self.behaviour.names_call_uuid:
            data["call_uuid"] = call.call_uuid
        return _answer(data)

    def _accept(self, form: Form) -> Call:
        behaviour, extension = self.behaviour, form["extnumber"]
        connected = self._random.random() < behaviour.answer_rate
        named = behaviour.names_call_uuid or not form.get("customuuid")
        call = Call(
            call_uuid=uuid.uuid4().hex if named else form["customuuid"],
            customuuid=form.get("customuuid", ""),
            extnumber=extension,
            destnumber=form["destnumber"],
            disnumber=form.get("disnumber", ""),
            userid=form.get("userid", ""),
            memberid=form.get("memberid", ""),
            began=time.time(),
            duration=max(1, round(self._random.uniform(*behaviour.talk_s))) if connected else 0,
            connected=connected,
            result="已接通" if connected else self._random.choice(RESULTS),
            overlapping=self.busy.get(extension, 0) > 0,
        )
        self.calls.append(call)
        self.busy[extension] = self.busy.get(extension, 0) + 1
        self.lines[extension] = RINGING
        self._spawn(self._live(call))
        return call

    async def _live(self, call: Call) -> None:
        await asyncio.sleep(self._random.uniform(*self.behaviour.ring_s))
        if call.connected:
            self.lines[call.extnumber] = TALKING
            await asyncio.sleep(self._random.uniform(*self.behaviour.talk_s))
        self.busy[call.extnumber] = max(0, self.busy.get(call.extnumber, 0) - 1)
        if not self.busy[call.extnumber]:
            self.lines[call.extnumber] = IDLE
        call.ended = time.time()
        if call.callbacks or self._random.random() < self.behaviour.callback_loss:
            return
        await asyncio.sleep(self._random.uniform(*self.behaviour.callback_delay_s))
        await self._call_back(call)
        if self._random.random() < self.behaviour.callback_repeat:
            await self._call_back(call)

    async def _call_back(self, call: Call) -> None:
        """Send the call's record; an answer other than 200 is tried twice more."""
        if not self.behaviour.callback_url:
            return
        body = json.dumps(self._record(call), ensure_ascii=False).encode()
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False)
        for _ in range(3):
            stamp = str(int(time.time()))
            digest = hmac.new(self.behaviour.callback_secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
            headers = {"X-Timestamp": stamp, "X-Signature": digest.hexdigest(), "Content-Type": "application/json"}
            try:
                answer = await self._client.post(
                    self.behaviour.callback_url, content=body, headers=headers, timeout=self.behaviour.callback_timeout_s
                )
                call.callbacks.append(answer.status_code)
                if answer.status_code == 200:
                    return
            except httpx.HTTPError:
                call.callbacks.append(0)
            await asyncio.sleep(0.2)

    def _record(self, call: Call) -> dict[str, Any]:
        return {
            "call_uuid": call.call_uuid,
            "call_duration": call.duration,
            "is_connected": call.connected,
            "call_record_url": self._link(call.call_uuid) if call.connected else "",
            "contact_result": call.result,
            "remark": "",
            "custom_params": json.dumps({"customuuid": call.customuuid}) if self.behaviour.echoes_reference else "",
        }

    async def _status(self, form: Form) -> Response:
        return _answer({"status": self.lines.get(form.get("extnumber", ""), IDLE)})

    async def _bill(self, form: Form) -> Response:
        try:
            first, last = _instant(form["starttime"]), _instant(form["endtime"])
            flag, page = int(form["syncflag"]), int(form["page"])
        except (KeyError, ValueError):
            return _answer({}, ret=400, msg="starttime, endtime, syncflag and page are needed")
        wanted = [
            call
            for call in self.calls
            if call.ended is not None and first <= int(call.began) <= last and (flag == 3 or call.read == (flag == 2))
        ]
        size = self.behaviour.page_size
        chosen = wanted[(page - 1) * size : page * size]
        rows = [_billed(call) for call in chosen]
        for call in chosen:
            call.read = True
        return _answer({"total": len(wanted), "list": rows})

    async def _recording(self, form: Form) -> Response:
        name = form.get("recordfile", "").removesuffix(".wav")
        return _answer({"url": self._link(name)})

    def _link(self, name: str) -> str:
        return self.recordings.link(name, self.behaviour.recording_link_s)

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def show_calls(self, request: Request) -> Response:
        """The exact truth: every call that was accepted, in order."""
        return JSONResponse([asdict(call) for call in self.calls])

    async def show_counts(self, request: Request) -> Response:
        """How many logins and calls there were, and how many began on an extension already in a call."""
        overlapping = sum(call.overlapping for call in self.calls)
        return JSONResponse({"logins": self.logins, "calls": len(self.calls), "overlapping": overlapping})

    async def change(self, request: Request) -> Response:
        """Change some of the `Behaviour`."""
        for name, value in (await request.json()).items():
            if not hasattr(self.behaviour, name):
                return JSONResponse({"error": f"no setting {name}"}, 422)
            setattr(self.behaviour, name, value)
        return JSONResponse(asdict(self.behaviour))

    async def set_lines(self, request: Request) -> Response:
        """`{"extension": status}` as GetSipCallStatus shall report it."""
        self.lines.update(await request.json())
        return JSONResponse(self.lines)

    async def forget(self, request: Request) -> Response:
        """Start afresh."""
        for task in list(self._tasks):
            task.cancel()
        self.reset()
        return JSONResponse({"calls": 0})


def routes(simulation: Simulation) -> list[BaseRoute]:
    """Infinity's routes beneath its mount point."""
    infinity = Infinity(simulation)
    return [
        Route("/api", infinity.operate, methods=["POST"]),
        Route("/", infinity.operate, methods=["POST"]),
        Route("/recordings/{name}.wav", infinity.recordings.serve, methods=["GET"]),
        Route("/_sim/calls", infinity.show_calls, methods=["GET"]),
        Route("/_sim/counts", infinity.show_counts, methods=["GET"]),
        Route("/_sim/settings", infinity.change, methods=["POST"]),
        Route("/_sim/lines", infinity.set_lines, methods=["POST"]),
        Route("/_sim/calls", infinity.forget, methods=["DELETE"]),
    ]


def _answer(data: dict[str, Any], *, ret: int = 200, msg: str = "") -> Response:
    return JSONResponse({"ret": ret, "msg": msg, "data": data})


def _billed(call: Call) -> dict[str, Any]:
    return {
        "call_uuid": call.call_uuid,
        "extnumber": call.extnumber,
        "destnumber": call.destnumber,
        "disnumber": call.disnumber,
        "starttime": dt.datetime.fromtimestamp(call.began, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
        "duration": call.duration,
        "hangup": call.result,
        "recordfile": f"{call.call_uuid}.wav" if call.connected else "",
    }


def _instant(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp())
