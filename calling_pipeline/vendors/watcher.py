"""Tells the outside watcher that all is well: one plain request, which carries nothing and whose answer is not read."""

from __future__ import annotations

import asyncio

import httpx

from calling_pipeline.errors import InvalidInput
from calling_pipeline.vendors.url_guard import PrivateAddress, PublicOnlyTransport, Reach, checked_url

ANSWER_S = 10.0


async def beat(url: str, reach: Reach) -> str:
    """Ask for `url` once. Empty when the watcher heard it, else why not, without the address. Never raises."""
    try:
        address = checked_url(url, field="CALLING_HEARTBEAT_URL")
        async with (
            asyncio.timeout(2 * ANSWER_S),
            httpx.AsyncClient(
                transport=PublicOnlyTransport(reach),
                timeout=ANSWER_S,
                headers={"User-Agent": "calling-pipeline"},
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream("GET", address) as answer,
        ):
            return "" if answer.is_success else f"the watcher answered HTTP {answer.status_code}"
    except PrivateAddress:
        return "the address leads into a private network; CALLING_PRIVATE_ORIGINS lists exceptions"
    except InvalidInput as error:
        return str(error)
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        return f"the watcher could not be reached ({type(error).__name__})"
