"""WeCom (企业微信): group robots and messages to a person. The body of its answer decides, not HTTP 200.

Rates and retries are the caller's: a message is not safe to repeat, so nothing is repeated here but a message that was
certainly not sent because its token was refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from calling_pipeline import days
from calling_pipeline.at_most_once.outcome import Outcome
from calling_pipeline.database.credentials import CredentialStore, Fetched, Token
from calling_pipeline.errors import (
    AmbiguousOutcome,
    ContractBreach,
    VendorAuthRefused,
    VendorError,
    VendorRefused,
    VendorUnavailable,
)
from calling_pipeline.masking import mask_digits
from calling_pipeline.vendors.answers import Answer, parsed
from calling_pipeline.vendors.http import NOT_TAKEN, VendorHttp, retry_after_s, retrying

SEND_TO_ROBOT = "/cgi-bin/webhook/send"
SEND_TO_USER = "/cgi-bin/message/send"
GET_TOKEN = "/cgi-bin/gettoken"

_RATE_CODES = frozenset({45009, 45033})
_TOKEN_CODES = frozenset({40014, 41001, 42001})
_UNCLEAR_CODES = frozenset({-1})
"""`-1` is "system busy": WeCom does not say whether the message was sent before."""


@dataclass(frozen=True)
class SendResult:
    """The result of sending one message.

    A message that reached some of its receivers only is `unknown`: it must not be sent again, and a person decides;
    `missed` names the others. `rate_limited`: the vendor's rate limit is the reason.
    """

    outcome: Outcome
    reason: str = ""
    code: int | None = None
    rate_limited: bool = False
    retry_after_s: float | None = None
    missed: tuple[str, ...] = ()


class _Answer(msgspec.Struct):
    errcode: int
    errmsg: str = ""
    invaliduser: str = ""


class _TokenAnswer(msgspec.Struct):
    errcode: int = 0
    errmsg: str = ""
    access_token: str = ""
    expires_in: int = 0


_decode = msgspec.json.Decoder(_Answer, strict=False).decode
_decode_token = msgspec.json.Decoder(_TokenAnswer, strict=False).decode
_encode = msgspec.json.Encoder().encode
_JSON = {"Content-Type": "application/json"}


def classify(status: int, body: bytes, *, receivers: Sequence[str] = (), retry_after_s: float | None = None) -> SendResult:
    """The outcome of a message by HTTP status, code in the body, and receivers that were not reached."""
    if status in NOT_TAKEN:
        return SendResult("retry", f"HTTP {status}", rate_limited=status == 429, retry_after_s=retry_after_s)
    if status >= 500 or status == 408:
        return SendResult("unknown", f"HTTP {status} after the message was handed over")
    if status >= 300:
        return SendResult("refused", f"HTTP {status}")
    try:
        answer = parsed(_decode, body)
    except msgspec.MsgspecError:
        return SendResult("unknown", "an answer that could not be read")
    return _of_code(answer, receivers)


def _of_code(answer: _Answer, receivers: Sequence[str]) -> SendResult:
    code, message = answer.errcode, mask_digits(answer.errmsg)[:200]
    if code in _UNCLEAR_CODES:
        return SendResult("unknown", f"errcode {code} ({message})", code=code)
    if code in _RATE_CODES:
        return SendResult("retry", f"errcode {code} ({message})", code=code, rate_limited=True)
    if code != 0:
        return SendResult("refused", f"errcode {code} ({message})", code=code)
    missed = tuple(name for name in answer.invaliduser.split("|") if name)
    if not missed:
        return SendResult("done", code=0)
    if len(missed) < len(receivers):
        return SendResult("unknown", f"delivered, but not to {', '.join(missed)}", code=0, missed=missed)
    return SendResult("refused", f"no such receiver: {', '.join(missed)}", code=0, missed=missed)


class WeCom:
    """One corporation's robots and people. Use within `async with` of its `VendorHttp`."""

    def __init__(
        self, http: VendorHttp, credentials: CredentialStore, *, corp_id: str, corp_secret: str, agent_id: int
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._corp_id = corp_id
        self._credential = f"wecom:{http.base_url}:{corp_id}:{agent_id}"
        self._corp_secret = corp_secret
        self._agent_id = agent_id

    async def __aenter__(self) -> WeCom:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._http.aclose()

    async def send_to_robot(
        self, key: str, content: str, *, markdown: bool = False, mobiles: Sequence[str] = ()
    ) -> SendResult:
        """Send one message of a group robot: text of at most 2048 bytes, or markdown of at most 4096."""
        body: dict[str, Any] = {"msgtype": "text", "text": {"content": content, "mentioned_mobile_list": list(mobiles)}}
        if markdown:
            body = {"msgtype": "markdown", "markdown": {"content": content}}
        return await self._send(lambda: self._post(SEND_TO_ROBOT, {"key": key}, body))

    async def send_to_user(self, user_id: str, content: str) -> SendResult:
        """Send one text message of at most 2048 bytes to a person (or to several, `a|b`)."""
        body = {"touser": user_id, "msgtype": "text", "agentid": self._agent_id, "text": {"content": content}}
        receivers = user_id.split("|")
        try:
            return await self._send_with_token(body, receivers)
        except VendorError as error:  # fetching the token failed: the message was not sent
            return SendResult("retry", str(error), retry_after_s=getattr(error, "retry_after_s", None))

    async def _send_with_token(self, body: dict[str, Any], receivers: Sequence[str]) -> SendResult:
        token = await self._token()
        result = await self._send(lambda: self._post(SEND_TO_USER, {"access_token": token.secret}, body), receivers)
        if result.code not in _TOKEN_CODES:
            return result
        fresh = await self._token(refused=token)
        result = await self._send(lambda: self._post(SEND_TO_USER, {"access_token": fresh.secret}, body), receivers)
        if result.code in _TOKEN_CODES:
            return SendResult("retry", f"a fresh token was refused too: {result.reason}", code=result.code)
        return result

    async def _send(self, post: Callable[[], Awaitable[Answer]], receivers: Sequence[str] = ()) -> SendResult:
        try:
            response = await post()
        except VendorUnavailable as error:
            return SendResult("retry", str(error), retry_after_s=error.retry_after_s)
        except AmbiguousOutcome as error:
            return SendResult("unknown", str(error))
        asked_s = retry_after_s(response) if response.status_code in NOT_TAKEN else None
        return classify(response.status_code, response.content, receivers=receivers, retry_after_s=asked_s)

    async def _post(self, path: str, params: dict[str, str], body: dict[str, Any]) -> Answer:
        return await self._http.request(
            "POST",
            f"{path}?{urlencode(params)}",
            safe=False,
            secrets=params.values(),
            content=_encode(body),
            headers=_JSON,
        )

    async def _token(self, *, refused: Token | None = None) -> Token:
        return await self._credentials.token(self._credential, self._fetch_token, refused=refused)

    async def _fetch_token(self) -> Fetched:
        return await retrying(self._ask_for_token, attempts=4, total_s=30)

    async def _ask_for_token(self) -> Fetched:
        where = {"vendor": self._http.vendor, "endpoint": GET_TOKEN}
        params = {"corpid": self._corp_id, "corpsecret": self._corp_secret}
        response = await self._http.request("GET", GET_TOKEN, safe=True, secrets=[self._corp_secret], params=params)
        if response.status_code == 429 or response.status_code >= 500:
            raise VendorUnavailable(
                f"wecom {GET_TOKEN} answered HTTP {response.status_code}", retry_after_s=retry_after_s(response), **where
            )
        if response.status_code != 200:
            raise VendorRefused(f"wecom {GET_TOKEN} answered HTTP {response.status_code}", **where)
        try:
            answer = parsed(_decode_token, response.content)
        except msgspec.MsgspecError as error:
            raise ContractBreach(f"wecom {GET_TOKEN} answered with no readable token: {error}", **where) from None
        if answer.errcode != 0 or not answer.access_token:
            raise VendorAuthRefused(
                f"WeCom gives no token: errcode {answer.errcode} ({mask_digits(answer.errmsg)[:200]});"
                " check CALLING_WECOM_CORP_ID and CALLING_WECOM_CORP_SECRET",
                code=str(answer.errcode),
                **where,
            )
        lasts = dt.timedelta(seconds=answer.expires_in or 7200)
        return Fetched(answer.access_token, days.now() + lasts)
