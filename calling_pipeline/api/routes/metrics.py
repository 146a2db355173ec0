"""The numbers for Prometheus: to whoever may see the status, and without a token to the networks that the settings name."""

from __future__ import annotations

import asyncio
import ipaddress

from fastapi import APIRouter, Request, Response

from calling_pipeline.api.auth import Needs, admit
from calling_pipeline.metrics.exposition import text_of
from calling_pipeline.metrics.scraping import Scraper

router = APIRouter(tags=["server"])
_NEEDS = Needs("viewer", "status")
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Prometheus' text, or OpenMetrics when the header `Accept` asks for it. Needs the role viewer and the room status.

    Without a token for a request that comes straight from a network of CALLING_METRICS_OPEN.
    """
    if not _is_open_to(request):
        await admit(request.app.state.gate, request.scope, _NEEDS)
    scraper: Scraper = request.app.state.scraper
    body, media_type = await asyncio.to_thread(_served, scraper, request.headers.get("accept", ""))
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})


def _served(scraper: Scraper, accept: str) -> tuple[bytes, str]:
    return text_of(scraper.samples(), accept, centre=scraper.centre)


def _is_open_to(request: Request) -> bool:
    """Whether the sender needs no token. Behind a proxy that is not trusted everybody has its address: then it is needed."""
    settings, gate = request.app.state.runtime.settings, request.app.state.gate
    if not settings.metrics_open:
        return False
    peer = (request.scope.get("client") or ("", 0))[0]
    address = gate.address_of(request.scope)
    if address == peer and any(name in request.headers for name in _FORWARDED):
        return False
    try:
        sender = ipaddress.ip_address(address)
    except ValueError:
        return False
    plain = getattr(sender, "ipv4_mapped", None) or sender
    return any(plain in ipaddress.ip_network(network) for network in settings.metrics_open)
