"""Bearer tokens: who calls, and what that role may do."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.exceptions import HTTPException

from calling_pipeline.settings import Role, TokenGrant

_RANK: dict[Role, int] = {"viewer": 0, "collector": 1, "operator": 2, "admin": 3}


@dataclass(frozen=True)
class Caller:
    """Who sent a request: his role, the one tenant he may touch (None: all), and a short name for audit rows."""

    role: Role
    tenant: int | None
    name: str

    def may_touch(self, tenant: int) -> bool:
        """Whether this tenant is his."""
        return self.tenant is None or self.tenant == tenant


class Tokens:
    """The known tokens, kept as digests."""

    def __init__(self, grants: Mapping[str, TokenGrant]) -> None:
        self._callers = {
            _digest(token): Caller(grant.role, grant.tenant, f"{grant.role}-{_digest(token).hex()[:6]}")
            for token, grant in grants.items()
        }

    def caller(self, token: str) -> Caller | None:
        """Whose token it is, compared in constant time; None for an unknown one."""
        digest = _digest(token)
        found = None
        for known, caller in self._callers.items():
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class _Requirement(SecurityBase):
    """The dependency of an endpoint: one step that reads the header, and the scheme in the OpenAPI description."""

    def __init__(self, role: Role) -> None:
        self.model = HTTPBearerModel(description="A token of CALLING_API_TOKENS")
        self.scheme_name = "bearer token"
        self._role = role

    async def __call__(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        tokens: Tokens = request.app.state.tokens
        caller = tokens.caller(token) if scheme.lower() == "bearer" else None
        if caller is None:
            raise HTTPException(401, "a known bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
        if _RANK[caller.role] < _RANK[self._role]:
            raise HTTPException(403, f"this needs the role {self._role}; yours is {caller.role}")
        return caller


def requires(role: Role) -> Callable[..., object]:
    """A dependency: the caller, when his role is `role` or above; 401 without a known token, else 403."""
    return _Requirement(role)
