"""Keeps requests to addresses that tenants entered out of private networks.

The name is resolved here, every address it has must be public, and the connection goes to the address that was judged: no
second look-up, no redirect.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from calling_pipeline.errors import InvalidInput
from calling_pipeline.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.88.99.0/24",  # 6to4 relays
        "192.0.0.0/24",  # protocol assignments; `is_global` lets two of its addresses through
        "::/96",  # IPv4-compatible, long deprecated
        "100::/64",
        "2001::/23",  # Teredo, ORCHID and other special uses
        "2002::/16",  # 6to4: leads to the IPv4 address it embeds
        "fec0::/10",  # site-local
        "5f00::/16",
        "3fff::/20",
    )
)


@dataclass(frozen=True)
class Reach:
    """What lies outside the public internet and may be reached all the same: nothing, some origins, or everything.

    An origin is written `scheme://host:port`, the port left out where it is the scheme's own.
    """

    anywhere: bool = False
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Reach:
        """As the settings say."""
        return cls(settings.allow_private_urls, frozenset(_origin(httpx.URL(url)) for url in settings.private_origins))

    def exempts(self, url: httpx.URL | str) -> bool:
        """Whether `url` need not lie in the public internet."""
        return self.anywhere or _origin(httpx.URL(url)) in self.origins


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"


class PrivateAddress(httpx.UnsupportedProtocol):
    """The host leads into a private network: nothing was sent."""


def is_public(address: Address) -> bool:
    """Whether `address` is a unicast address of the public internet, an embedded IPv4 address included."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _NAT64):
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)) and address in _NAT64[0]
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


def checked_url(url: str, *, field: str = "api_url") -> str:
    """`url` without a trailing slash when its form is acceptable: http(s), a host, no user name, no fragment.

    Says nothing about where it leads: that is judged when a connection is made. Raises `InvalidInput`.
    """
    refused = InvalidInput(f"{field} must be an http:// or https:// address with a host and no user name", field=field)
    try:
        parts = urlsplit(url)
        port, parsed = parts.port, httpx.URL(url)
    except (ValueError, httpx.InvalidURL, UnicodeError) as error:
        raise refused from error
    printable = url.isprintable() and not any(character.isspace() or character == "\\" for character in url)
    if parts.scheme not in ("http", "https") or not parsed.host or "@" in parts.netloc or parts.fragment or not printable:
        raise refused
    if port == 0 or len(url) > 500:
        raise refused
    return url.rstrip("/")


async def public_address(host: str, port: int, *, resolve: Resolver | None = None) -> str:
    """The first address of `host`, when every one it has is public; else `PrivateAddress`.

    One private address among public ones is refused too: which of them a connection takes is not ours to guess.
    """
    try:
        found = await (resolve or _resolve)(host, port)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"{host} cannot be resolved") from error
    addresses = [_address(text) for text in found]
    if not addresses or not all(address is not None and is_public(address) for address in addresses):
        raise PrivateAddress("the host leads into a private network")
    return found[0]


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


async def _resolve(host: str, port: int) -> Sequence[str]:
    literal = _address(host.strip("[]"))
    if literal is not None:
        return [str(literal)]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def require_public(url: str, *, field: str = "api_url") -> None:
    """Raise `InvalidInput` when `url` leads into a private network now, or cannot be resolved."""
    parsed = httpx.URL(url)
    try:
        await public_address(parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80))
    except httpx.ConnectError as error:
        raise InvalidInput(f"{field}: its host name cannot be resolved", field=field) from error
    except PrivateAddress as error:
        raise InvalidInput(f"{field} leads into a private network", field=field) from error


class PublicOnlyTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses, and to what `reach` exempts.

    The request keeps its Host header and the certificate is checked against the name; only the address is pinned.
    """

    def __init__(
        self,
        reach: Reach = Reach(),
        *,
        resolve: Resolver | None = None,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._reach = reach
        self._resolve = resolve
        self._inner = inner or httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=64, keepalive_expiry=30))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Resolve, judge, pin, send."""
        if self._reach.exempts(request.url):
            return await self._inner.handle_async_request(request)
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        address = await public_address(host, port, resolve=self._resolve)
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()
