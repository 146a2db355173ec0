"""Our credentials for Guanke, and where its access token is kept."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from calling_pipeline.database.credentials import Fetch, Token
from calling_pipeline.errors import ConfigurationError


@dataclass(frozen=True)
class Credentials:
    """The secret is preferred when both are there."""

    secret: str | None = None
    username: str | None = None
    password: str | None = None

    def request(self, base_url: str) -> tuple[str, dict[str, str]]:
        """Path and parameters of the token call; a simulator on this machine needs no credentials."""
        if self.secret:
            return "/token/secret", {"secret": self.secret}
        if self.username and self.password:
            return "/token", {"username": self.username, "password": self.password}
        if urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1"):
            return "/token", {"username": "simulator", "password": "simulator"}
        raise ConfigurationError(
            "Guanke has no credentials; set CALLING_GUANKE_SECRET, or CALLING_GUANKE_USERNAME and CALLING_GUANKE_PASSWORD"
        )

    def name(self, base_url: str) -> str:
        """The name under which their token is stored; it differs by account and address."""
        identity = hashlib.sha256("\x1f".join((base_url, *self.request(base_url)[1].values())).encode()).hexdigest()
        return f"guanke:{identity[:16]}"


class Tokens(Protocol):
    """Where the token is kept: `database.credentials.CredentialStore` shares it with other processes."""

    async def token(self, name: str, fetch: Fetch, *, refused: Token | None = None) -> Token:
        """The token called `name`, fetched when there is none or it is the `refused` one."""


class OwnTokens:
    """Keeps the token in this client alone."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._known: Token | None = None

    async def token(self, name: str, fetch: Fetch, *, refused: Token | None = None) -> Token:
        async with self._turn:
            known = self._known
            if known is None or (refused is not None and known.version <= refused.version):
                fetched = await fetch()
                known = self._known = Token(fetched.secret, fetched.expires_at, known.version + 1 if known else 1)
            return known
