"""Which names this server answers to, and which pages may ask it to change something.

A page of another site can make a browser send requests here, and by DNS rebinding even under a name of its own. It can
fake neither the `Host` nor the `Origin` that the browser adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from calling_pipeline.settings import Settings

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


class Origins:
    """`hosts`: names this server answers to, without ports. `origins`: pages of these addresses may ask for changes too."""

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._hosts = LOCAL | {host.lower() for host in hosts}
        self._origins = {origin.lower() for origin in origins}

    @classmethod
    def of(cls, settings: Settings) -> Origins:
        """This machine's own names, the addresses by which people reach the product, and CALLING_UI_HOSTS."""
        addresses = [urlsplit(url) for url in (settings.public_url, settings.ui_url) if url is not None]
        hosts = [address.hostname for address in addresses if address.hostname]
        return cls([*hosts, *settings.ui_hosts], [f"{address.scheme}://{address.netloc}" for address in addresses])

    def knows(self, hosts: list[bytes]) -> bool:
        """Whether a request with these `Host` headers is meant for this server: there must be exactly one."""
        if len(hosts) != 1:
            return False
        host = _name(hosts[0].decode("latin-1"))
        return host is not None and host in self._hosts

    def same(self, origins: list[bytes], hosts: list[bytes]) -> bool:
        """Whether a page of ours asks: its `Origin` is the address it was asked for by, or one by which people reach us."""
        if len(origins) != 1 or len(hosts) != 1:
            return False
        origin = origins[0].decode("latin-1").lower()
        return origin in self._origins or origin in (
            f"{scheme}://{hosts[0].decode('latin-1').lower()}" for scheme in _SCHEMES
        )


_SCHEMES = ("http", "https")


def _name(host: str) -> str | None:
    """The name in a `Host` header; None when it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
