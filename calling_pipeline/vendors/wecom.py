"""WeCom (企业微信): group robots and messages to a person. Its answer's body decides, not HTTP 200.

Rates and retries are the caller's business: a message is not safe to repeat, so nothing is repeated here but what a
token refusal certainly prevented.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
import msgspec

from calling_pipeline import days
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
from calling_pipeline.vendors.http import VendorHttp, retry_after_s, retrying

TEXT_BYTES = 2048
MARKDOWN_BYTES = 4096
ROBOT_RATE_PER_MINUTE = 20
SEND_TO_ROBOT = "/cgi-bin/webhook/send"
SEND_TO_USER = "/cgi-bin/message/send"
GET_TOKEN = "/cgi-bin/gettoken"

Fate = Literal["done", "partly", "later", "refused", "unknown"]

_RATE_CODES = frozenset({45009, 45033})
_TOKEN_CODES = frozenset({40014, 41001, 42001})
_UNSAID_CODES = frozenset({-1})
"""`-1` is "system busy": whether the message went out before it is not said."""


@dataclass(frozen=True)
class Verdict:
    """What became of one message. `later`: certainly not sent, may be sent again; `refused`: not sent, nor will it be;
    `unknown`: perhaps sent; `partly`: sent, but not to `missed`."""

    fate: Fate
    reason: str = ""
    code: int | None = None
    limited: bool = False
    """The vendor's rate limit is why."""
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
_encode = msgspec.json.Encoder().encode
_JSON = {"Content-Type": "application/json"}


def classify(status: int, body: bytes, *, receivers: Sequence[str] = (), retry_after_s: float | None = None) -> Verdict:
    """The one place that reads an answer to a message: HTTP status × body code × receivers that were not reached."""
    if status == 429:
        return Verdict("later", "HTTP 429", limited=True, retry_after_s=retry_after_s)
    if status >= 500 or status == 408:
        return Verdict("unknown", f"HTTP {status} after the message was handed over")
    if status >= 300:
        return Verdict("refused", f"HTTP {status}")
    try:
        answer = _decode(body)
    except msgspec.MsgspecError:
        return Verdict("unknown", "an answer that could not be read")
    return _of_code(answer, receivers)


def _of_code(answer: _Answer, receivers: Sequence[str]) -> Verdict:
    code, said = answer.errcode, mask_digits(answer.errmsg)[:200]
    if code in _UNSAID_CODES:
        return Verdict("unknown", f"errcode {code} ({said})", code=code)
    if code in _RATE_CODES:
        return Verdict("later", f"errcode {code} ({said})", code=code, limited=True)
    if code != 0:
        return Verdict("refused", f"errcode {code} ({said})", code=code)
    missed = tuple(name for name in answer.invaliduser.split("|") if name)
    if not missed:
        return Verdict("done", code=0)
    if len(missed) < len(receivers):
        return Verdict("partly", f"not delivered to {', '.join(missed)}", code=0, missed=missed)
    return Verdict("refused", f"no such receiver: {', '.join(missed)}", code=0, missed=missed)


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

    async def send_to_robot(self, key: str, content: str, *, markdown: bool = False, mobiles: Sequence[str] = ()) -> Verdict:
        """One message of a group robot: text of at most 2048 bytes, or markdown of at most 4096."""
        body: dict[str, Any] = {"msgtype": "text", "text": {"content": content, "mentioned_mobile_list": list(mobiles)}}
        if markdown:
            body = {"msgtype": "markdown", "markdown": {"content": content}}
        return await self._send(lambda: self._post(SEND_TO_ROBOT, {"key": key}, body))

    async def send_to_user(self, user_id: str, content: str) -> Verdict:
        """One text message to a person (or several, `a|b`) of at most 2048 bytes."""
        body = {"touser": user_id, "msgtype": "text", "agentid": self._agent_id, "text": {"content": content}}
        receivers = user_id.split("|")
        try:
            return await self._send_with_token(body, receivers)
        except VendorError as error:  # of the token's fetch: the message was not sent
            return Verdict("later", str(error), retry_after_s=getattr(error, "retry_after_s", None))

    async def _send_with_token(self, body: dict[str, Any], receivers: Sequence[str]) -> Verdict:
        token = await self._token()
        verdict = await self._send(lambda: self._post(SEND_TO_USER, {"access_token": token.secret}, body), receivers)
        if verdict.code not in _TOKEN_CODES:
            return verdict
        fresh = await self._token(refused=token)
        verdict = await self._send(lambda: self._post(SEND_TO_USER, {"access_token": fresh.secret}, body), receivers)
        if verdict.code in _TOKEN_CODES:
            return Verdict("later", f"a fresh token was refused too: {verdict.reason}", code=verdict.code)
        return verdict

    async def _send(self, post: Callable[[], Awaitable[httpx.Response]], receivers: Sequence[str] = ()) -> Verdict:
        try:
            response = await post()
        except VendorUnavailable as error:
            return Verdict("later", str(error), retry_after_s=error.retry_after_s)
        except AmbiguousOutcome as error:
            return Verdict("unknown", str(error))
        asked = retry_after_s(response) if response.status_code == 429 else None
        return classify(response.status_code, response.content, receivers=receivers, retry_after_s=asked)

    async def _post(self, path: str, params: dict[str, str], body: dict[str, Any]) -> httpx.Response:
        return await self._http.request(
            "POST", f"{path}?{urlencode(params)}", safe=False, content=_encode(body), headers=_JSON
        )

    async def _token(self, *, refused: Token | None = None) -> Token:
        return await self._credentials.token(self._credential, self._fetch_token, refused=refused)

    async def _fetch_token(self) -> Fetched:
        return await retrying(self._ask_for_token, attempts=4, total_s=30)

    async def _ask_for_token(self) -> Fetched:
        where = {"vendor": self._http.vendor, "endpoint": GET_TOKEN}
        params = {"corpid": self._corp_id, "corpsecret": self._corp_secret}
        response = await self._http.request("GET", GET_TOKEN, safe=True, params=params)
        if response.status_code == 429 or response.status_code >= 500:
            raise VendorUnavailable(
                f"wecom {GET_TOKEN} answered HTTP {response.status_code}", retry_after_s=retry_after_s(response), **where
            )
        if response.status_code != 200:
            raise VendorRefused(f"wecom {GET_TOKEN} answered HTTP {response.status_code}", **where)
        try:
            answer = msgspec.json.decode(response.content, type=_TokenAnswer, strict=False)
        except msgspec.MsgspecError as error:
            raise ContractBreach(f"wecom {GET_TOKEN} answered what is no token: {error}", **where) from None
        if answer.errcode != 0 or not answer.access_token:
            raise VendorAuthRefused(
                f"WeCom lends no token: errcode {answer.errcode} ({mask_digits(answer.errmsg)[:200]});"
                " check CALLING_WECOM_CORP_ID and CALLING_WECOM_CORP_SECRET",
                code=str(answer.errcode),
                **where,
            )
        lasts = dt.timedelta(seconds=answer.expires_in or 7200)
        return Fetched(answer.access_token, days.now() + lasts)


def fit(text: str, limit: int, *, mark: str = "…（内容过长，已截断）") -> tuple[str, int]:
    """`text` within `limit` bytes of UTF-8, cut between characters and marked; and how many bytes were cut off."""
    raw = text.encode()
    if len(raw) <= limit:
        return text, 0
    kept = raw[: limit - len(mark.encode())].decode(errors="ignore")
    return kept + mark, len(raw) - len(kept.encode())
