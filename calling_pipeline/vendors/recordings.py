"""Downloads a recording from the link that Infinity named: to public addresses only, bounded in size and time.

A link is a secret: no error names its path or query.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

import httpx

from calling_pipeline.errors import InvalidInput
from calling_pipeline.vendors.url_guard import PrivateAddress, PublicOnlyTransport, Reach, checked_url

_GONE = frozenset({401, 403, 404, 410})
_SOUND = re.compile(r"(audio/[\w.+-]+|video/(mp4|ogg|webm)|application/(octet-stream|ogg))$")
_EXPIRES = ("expires", "x-oss-expires", "e", "expire")
"""Parameters that say until when a link works, in Unix seconds."""
_BLOCK = 64 * 1024

Trouble = Literal["gone", "refused", "later"]


@dataclass(frozen=True)
class Downloaded:
    """What a link led to."""

    media_type: str
    size: int


class NotDownloaded(Exception):
    """Why there is no recording. `gone`: the link does not work; `refused`: it never will; `later`: perhaps later."""

    def __init__(self, trouble: Trouble, sentence: str) -> None:
        super().__init__(sentence)
        self.trouble = trouble


@dataclass(frozen=True)
class Limits:
    """`largest` in bytes; `whole_s` for one recording, `silence_s` between two of its pieces."""

    largest: int
    whole_s: float = 600.0
    silence_s: float = 30.0


class RecordingDownloads:
    """Downloads through one pool of connections. Close it with `aclose`."""

    def __init__(self, reach: Reach, limits: Limits) -> None:
        self._limits = limits
        self._client = httpx.AsyncClient(
            transport=None if reach.anywhere else PublicOnlyTransport(reach),
            timeout=httpx.Timeout(limits.silence_s, connect=10.0),
            headers={"Accept-Encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def download(self, link: str, take: Callable[[bytes], None]) -> Downloaded:
        """Give the recording's bytes to `take` in order. Raises `NotDownloaded`; what was taken before is no whole then."""
        try:
            async with asyncio.timeout(self._limits.whole_s):
                return await self._streamed(checked_url(link, field="link"), take)
        except InvalidInput:
            raise NotDownloaded("refused", "the recording's link is no http address") from None
        except PrivateAddress:
            raise NotDownloaded("refused", "the recording's link leads into a private network") from None
        except TimeoutError:
            raise NotDownloaded("later", "the recording did not come in time") from None
        except httpx.TimeoutException:
            raise NotDownloaded("later", "the recording's server did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotDownloaded("later", f"the recording's server broke off ({type(error).__name__})") from None

    async def _streamed(self, link: str, take: Callable[[bytes], None]) -> Downloaded:
        async with self._client.stream("GET", link) as answer:
            media_type = _judged(answer)
            promised = answer.headers.get("Content-Length", "")
            if promised.isdigit() and int(promised) > self._limits.largest:
                raise NotDownloaded("refused", f"the recording is larger than {self._limits.largest} bytes")
            size = 0
            async for piece in answer.aiter_raw(_BLOCK):
                size += len(piece)
                if size > self._limits.largest:
                    raise NotDownloaded("refused", f"the recording is larger than {self._limits.largest} bytes")
                take(piece)
            if size == 0 or (promised.isdigit() and size != int(promised)):
                raise NotDownloaded("later", "the recording came incomplete")
            return Downloaded(media_type, size)


def expiry_of(link: str) -> dt.datetime | None:
    """When the link stops working, as it says itself; None where it does not."""
    try:
        given = {name.lower(): value for name, value in parse_qsl(urlsplit(link).query)}
    except ValueError:
        return None
    for name in _EXPIRES:
        if given.get(name, "").isdigit() and len(given[name]) == 10:
            return dt.datetime.fromtimestamp(int(given[name]), dt.UTC)
    return _of_amazon(given)


def _of_amazon(given: Mapping[str, str]) -> dt.datetime | None:
    for prefix in ("x-amz-", "x-goog-"):
        begun, lasts = given.get(prefix + "date", ""), given.get(prefix + "expires", "")
        try:
            since = dt.datetime.strptime(begun, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
            return since + dt.timedelta(seconds=int(lasts))
        except (ValueError, OverflowError):
            continue
    return None


def _judged(answer: httpx.Response) -> str:
    """The media type of an answer that holds a recording."""
    if answer.status_code in _GONE:
        raise NotDownloaded("gone", f"the recording's link does not work (HTTP {answer.status_code})")
    if answer.status_code != 200:
        raise NotDownloaded("later", f"the recording's server answered HTTP {answer.status_code}")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise NotDownloaded("later", "the recording came compressed, which was not asked for")
    media_type: str = answer.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()
    if not _SOUND.match(media_type):
        raise NotDownloaded("later", "the recording's server answered with something that is no sound")
    return media_type
