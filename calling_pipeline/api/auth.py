"""Bearer tokens: who calls, what that role may do, and which tenants it may touch."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.exceptions import HTTPException

from calling_pipeline.errors import Forbidden, InvalidInput, NotFound
from calling_pipeline.settings import Role, TokenGrant

_RANK: dict[Role, int] = {"viewer": 0, "collector": 1, "operator": 2, "admin": 3}


@dataclass(frozen=True)
class Caller:
    """Who sent a request: the role, the one tenant it is bound to (None: all), and a short name for audit rows."""

    role: Role
    tenant: int | None
    name: str

    def may_touch(self, tenant: int) -> bool:
        """Whether the token reaches this tenant."""
        return self.tenant is None or self.tenant == tenant

    def own_tenant(self, tenant_id: int | None) -> int:
        """The tenant a request is about: the token's, or the one named by a token of all tenants.

        Raises `InvalidInput` when neither names one, `Forbidden` when the token is bound to another.
        """
        wanted = tenant_id if tenant_id is not None else self.tenant
        if wanted is None:
            raise InvalidInput("tenant_id is needed: this token is not bound to a tenant", field="tenant_id")
        if not self.may_touch(wanted):
            raise Forbidden("this token is bound to another tenant")
        return wanted

    def scope(self, tenant_id: int | None) -> int | None:
        """The tenant a list is narrowed to; None: every tenant. Raises `Forbidden` for another tenant."""
        return self.tenant if tenant_id is None else self.own_tenant(tenant_id)

    def require_visible(self, tenant_id: int, what: str) -> None:
        """Raise `NotFound` for what belongs to another tenant: it does not exist for this caller."""
        if not self.may_touch(tenant_id):
            raise NotFound(f"there is no such {what}")


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


def admit(tokens: Tokens, authorization: str, role: Role) -> Caller:
    """The caller whose bearer token the `Authorization` header carries, with `role` or above: the one gate of the API.

    Raises `HTTPException`: 401 without a known token, 403 with a lesser role.
    """
    scheme, _, token = authorization.partition(" ")
    caller = tokens.caller(token) if scheme.lower() == "bearer" else None
    if caller is None:
        raise HTTPException(401, "a known bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
    if _RANK[caller.role] < _RANK[role]:
        raise HTTPException(403, f"this needs the role {role}; yours is {caller.role}")
    return caller


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class _Requirement(SecurityBase):
    """The dependency of an endpoint: one step that reads the header, and the scheme in the OpenAPI description."""

    def __init__(self, role: Role) -> None:
        self.model = HTTPBearerModel(description="A token of CALLING_API_TOKENS")
        self.scheme_name = "bearer token"
        self._role = role

    async def __call__(self, request: Request) -> Caller:
        return admit(request.app.state.tokens, request.headers.get("Authorization", ""), self._role)


def requires(role: Role) -> SecurityBase:
    """A dependency that yields the caller with `role` or above; 401 without a known token, 403 with a lesser role."""
    return _Requirement(role)
