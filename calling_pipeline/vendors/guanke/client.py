"""The client of Guanke, the outbound-calling platform: token, pages, retries.

`reading.py` reads a whole window completely; `records.py` holds the records themselves.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from calling_pipeline import days, tracing
from calling_pipeline.database.credentials import Fetched
from calling_pipeline.errors import (
    ContractBreach,
    TransientError,
    VendorAuthRefused,
    VendorRefused,
    VendorTimeout,
    VendorUnavailable,
)
from calling_pipeline.masking import mask_digits
from calling_pipeline.vendors.answers import Answer, parsed
from calling_pipeline.vendors.guanke.reading import Reading
from calling_pipeline.vendors.guanke.records import (
    CALLS,
    TASKS,
    VENDOR,
    CallRecord,
    Envelope,
    FieldCensus,
    Page,
    PageDecoder,
    TaskStat,
    TokenData,
    breach,
    call_decoder,
    task_decoder,
)
from calling_pipeline.vendors.guanke.token import Credentials, OwnTokens, Tokens
from calling_pipeline.vendors.http import VendorHttp, retry_after_s, retrying
from calling_pipeline.vendors.rate_limit import SHORTEST_PAUSE_S, ConcurrencyLimit

PAGE_SIZE = 1000
LONGEST_PAUSE_S = 120.0
"""A page is requested again while the sum of the vendor's `Retry-After` values stays below this."""
LARGEST_PAGE = 16 * 1024**2
"""Bytes of a page at most; one of a thousand call records has about 600,000."""
TOKEN_LIFE = dt.timedelta(days=30)
LONGEST_WINDOW = dt.timedelta(days=7)
_REPEATS: ContextVar[Counter[str] | None] = ContextVar("_REPEATS", default=None)
"""Where the requests of one reading that had to be repeated are counted: readings of several days run at once."""
_ENVELOPE = msgspec.json.Decoder(Envelope, strict=False)
_TOKEN = msgspec.json.Decoder(TokenData)
T = TypeVar("T", bound=msgspec.Struct)


class GuankeClient:
    """Use as an async context manager; one instance serves one event loop.

    `retries` counts the requests that had to be repeated, over the client's life.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        concurrency: int = 16,
        timeout_s: float = 30.0,
        tokens: Tokens | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.concurrency = concurrency
        self.retries = 0
        self._base_url = base_url
        self._credentials = credentials
        self._http = VendorHttp(
            VENDOR,
            base_url,
            concurrency=concurrency,
            timeout_s=timeout_s,
            largest_answer=LARGEST_PAGE,
            transport=transport,
        )
        self._tokens = tokens or OwnTokens()
        self._limit = ConcurrencyLimit(concurrency)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def calls(self, start: dt.datetime, end: dt.datetime) -> list[Reading[CallRecord]]:
        """Readings of every call with `start` ≤ call time ≤ `end` (whole seconds): one per window of at most 7 days."""
        decoder = call_decoder(CALLS)
        return [
            self._reading(CALLS, {"startTime": days.wall_clock(first), "endTime": days.wall_clock(last)}, decoder, "id")
            for first, last in split_window(start, end)
        ]

    def task_stats(self, day: dt.date) -> Reading[TaskStat]:
        """A reading of the day's dialling tasks. The rows carry no date, so each request asks for one day."""
        parameters = {"start_time": day.isoformat(), "end_time": day.isoformat(), "query_type": "20"}
        return self._reading(TASKS, parameters, task_decoder(TASKS), "task_id")

    async def count_calls(self, start: dt.datetime, end: dt.datetime) -> int:
        """How many calls the vendor reports in a window of at most 7 days, from one answer of one row."""
        parameters = {"startTime": days.wall_clock(start), "endTime": days.wall_clock(end)}
        page = await self._page(CALLS, parameters, 1, call_decoder(CALLS), FieldCensus(), page_size=1)
        return page.total

    def _reading(self, endpoint: str, parameters: Mapping[str, str], decoder: PageDecoder[T], key: str) -> Reading[T]:
        repeats: Counter[str] = Counter()

        async def fetch(number: int, census: FieldCensus) -> Page[T]:
            _REPEATS.set(repeats)
            return await self._page(endpoint, parameters, number, decoder, census)

        return Reading(endpoint, fetch, key=key, page_size=PAGE_SIZE, concurrency=self.concurrency, retries=repeats.total)

    async def _page(
        self,
        endpoint: str,
        parameters: Mapping[str, str],
        number: int,
        decoder: PageDecoder[T],
        census: FieldCensus,
        page_size: int = PAGE_SIZE,
    ) -> Page[T]:
        query = {**parameters, "page": str(number), "pageSize": str(page_size)}

        async def attempt() -> Page[T]:
            body = await self._authorised(endpoint, query)
            try:
                page = decoder.decode(body, number, census)
                if page.code != 200:
                    _require_success(body, endpoint, number)
                return page
            except ContractBreach:
                _require_success(body, endpoint, number)
                raise
            except msgspec.DecodeError:
                raise VendorUnavailable(
                    f"Guanke {endpoint} page {number} was cut off or is no JSON", vendor=VENDOR, endpoint=endpoint
                ) from None

        with tracing.span("page", endpoint=endpoint, page=number):
            return await retrying(attempt, on_retry=self._note_retry)

    async def _authorised(self, endpoint: str, query: Mapping[str, str]) -> bytes:
        """One answer whose token was accepted; a revoked one is replaced once and the call repeated once."""
        name = self._credentials.name(self._base_url)
        token = await self._tokens.token(name, self._fetch_token)
        answer = await self._get(endpoint, query, token.secret)
        if not _says_unauthorised(answer):
            return answer.content
        token = await self._tokens.token(name, self._fetch_token, refused=token)
        answer = await self._get(endpoint, query, token.secret)
        if _says_unauthorised(answer):
            raise VendorAuthRefused(
                f"Guanke {_place(endpoint, query)} refuses a token it has just issued;"
                " ask the vendor whether the account may read it",
                vendor=VENDOR,
                endpoint=endpoint,
                code="401",
            )
        return answer.content

    async def _fetch_token(self) -> Fetched:
        """A new token. The token store lets one caller at a time fetch it, across processes."""
        token = await retrying(self._ask_for_token, on_retry=self._note_retry)
        return Fetched(token, days.now() + TOKEN_LIFE)

    async def _ask_for_token(self) -> str:
        endpoint, query = self._credentials.request(self._base_url)
        answer = await self._get(endpoint, query, None)
        if _says_unauthorised(answer):
            which = "CALLING_GUANKE_SECRET" if "secret" in query else "CALLING_GUANKE_USERNAME and CALLING_GUANKE_PASSWORD"
            raise VendorAuthRefused(
                f"Guanke does not accept the credentials; check {which}", vendor=VENDOR, endpoint=endpoint, code="401"
            )
        try:
            envelope = parsed(_ENVELOPE.decode, answer.content)
            _judge_code(envelope, endpoint, 1)
            return parsed(_TOKEN.decode, bytes(envelope.data) or b"null").token
        except msgspec.ValidationError as error:
            raise breach(endpoint, 1, error) from error
        except msgspec.DecodeError:
            raise VendorUnavailable(
                f"Guanke {endpoint} was cut off or is no JSON", vendor=VENDOR, endpoint=endpoint
            ) from None

    async def _get(self, endpoint: str, query: Mapping[str, str], token: str | None) -> Answer:
        """One answer of status 200 or 401. A 429 with `Retry-After` slows all requests down and costs no attempt."""
        headers = {"Authorization": token} if token else None
        waited = 0.0
        while True:
            async with self._limit.turn():
                answer = await self._request(endpoint, query, headers)
                asked = retry_after_s(answer) if answer.status_code == 429 else None
                if asked is None:
                    self._limit.went_well()
                    break
                self._limit.refused_for(min(asked, LONGEST_PAUSE_S))
            waited += max(asked, SHORTEST_PAUSE_S)
            if waited > LONGEST_PAUSE_S or (asked == 0 and waited > 1):
                break
            self._count_repeat(endpoint)
        return _require_status(answer, endpoint, _place(endpoint, query))

    async def _request(self, endpoint: str, query: Mapping[str, str], headers: Mapping[str, str] | None) -> Answer:
        try:
            return await self._http.request("GET", endpoint, safe=True, params=query, headers=headers)
        except (VendorUnavailable, VendorTimeout) as error:
            if page := query.get("page"):
                error.args = (f"{error} (page {page})",)
            raise

    def _note_retry(self, error: TransientError) -> None:
        self._count_repeat(type(error).__name__)

    def _count_repeat(self, what: str) -> None:
        self.retries += 1
        if (repeats := _REPEATS.get()) is not None:
            repeats[what] += 1


def _place(endpoint: str, query: Mapping[str, str]) -> str:
    """The endpoint, and the page of it that was asked for."""
    return f"{endpoint} page {query['page']}" if "page" in query else endpoint


def _require_status(answer: Answer, endpoint: str, place: str) -> Answer:
    """The answer when its status is 200 or 401, which the caller judges. Raises what any other status stands for."""
    status = answer.status_code
    if status in (408, 429) or status >= 500:
        raise VendorUnavailable(
            f"Guanke {place} answered HTTP {status}",
            vendor=VENDOR,
            endpoint=endpoint,
            retry_after_s=retry_after_s(answer),
        )
    if status not in (200, 401):
        raise VendorRefused(
            f"Guanke {place} answered HTTP {status}; check CALLING_GUANKE_BASE_URL",
            vendor=VENDOR,
            endpoint=endpoint,
            code=str(status),
        )
    return answer


def split_window(start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
    """Windows of at most 7 days that cover `start` … `end` (both inclusive, whole seconds) without a shared second."""
    windows = []
    while start <= end:
        last = min(end, start + LONGEST_WINDOW - dt.timedelta(seconds=1))
        windows.append((start, last))
        start = last + dt.timedelta(seconds=1)
    return windows


def _says_unauthorised(answer: Answer) -> bool:
    if answer.status_code == 401:
        return True
    if len(answer.content) > 2000:
        return False
    try:
        return parsed(_ENVELOPE.decode, answer.content).code == 401
    except msgspec.DecodeError:
        return False


def _require_success(body: bytes, endpoint: str, number: int) -> None:
    """Raise what `code` says when it is not 200: an answer without data is only then outside the contract."""
    try:
        envelope = parsed(_ENVELOPE.decode, body)
    except msgspec.DecodeError:
        return
    _judge_code(envelope, endpoint, number)


def _judge_code(envelope: Envelope, endpoint: str, number: int) -> None:
    """Raise what the answer's code stands for, unless it is 200.

    4xx is a refusal (`VendorRefused`), except 429 and 408; with any other code the request may succeed when it is sent again
    (`VendorUnavailable`).
    """
    code = envelope.code
    if code == 200:
        return
    message = mask_digits((envelope.message or "")[:200]).strip()
    sentence = f"Guanke {endpoint} page {number} answered code {code}" + (f" ({message})" if message else "")
    if 400 <= code < 500 and code not in (408, 429):
        raise VendorRefused(sentence, vendor=VENDOR, endpoint=endpoint, code=str(code))
    raise VendorUnavailable(sentence, vendor=VENDOR, endpoint=endpoint)
