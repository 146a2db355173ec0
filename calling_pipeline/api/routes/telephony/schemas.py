"""Bodies and parameters of the telephony API, and the isolation of one tenant from another."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from calling_pipeline.api.auth import Caller
from calling_pipeline.errors import Forbidden, InvalidInput, NotFound
from calling_pipeline.telephony.records import Strategy

PREFIX = "/api/v1/infinity"
LARGEST_ID = 2**63 - 1
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Short = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE, strip_whitespace=True)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE, strip_whitespace=True)]
Limit = Annotated[int, Query(ge=1, le=1000, description="rows of this page")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="rows before this page")]
Tenant = Annotated[Id | None, Query(description="the tenant; needed when the token is not bound to one and it matters")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _ConfigFields(_Body):
    name: Secret | None = Field(None, description="what people call it; unique within the tenant")
    enabled: bool | None = Field(None, description="one configuration a tenant may be enabled")
    strategy: Strategy | None = Field(None, description="which extension is lent first")
    max_concurrent_calls: int | None = Field(None, ge=1, le=1000)
    ring_timeout_s: int | None = Field(
        None, ge=10, le=300, validation_alias=AliasChoices("ring_timeout_s", "ring_timeout"), description="seconds"
    )
    cool_down_s: int | None = Field(None, ge=0, le=86_400, description="rest of an extension after a call")
    quarantine_after: int | None = Field(None, ge=0, le=1000, description="failures in a row; 0: never")
    quarantine_s: int | None = Field(None, ge=0, le=2_592_000, description="length; 0: until an operator ends it")
    caller_numbers: list[Short] | None = Field(None, max_length=10_000, description="rotated call by call")
    caller_range_start: Short | None = Field(None, description="first caller number of a range; empty: no range")
    caller_range_end: Short | None = Field(None, description="last caller number of the range")
    contact_rules: dict[str, Any] | None = Field(None, description="contact policy: preset and overrides")
    callback_secret: Secret | None = Field(None, description="signs callbacks; generated when left out")

    def given(self) -> dict[str, Any]:
        """What the request names, but for the tenant."""
        return self.model_dump(exclude={"tenant_id"}, exclude_none=True)


class ConfigCreate(_ConfigFields):
    """A tenant's account with Infinity."""

    tenant_id: Id | None = Field(None, description="needed when the token is not bound to a tenant")
    api_url: Secret = Field(description="where every operation is posted to; never in a private network")
    app_id: Secret = Field(validation_alias=AliasChoices("app_id", "appid"))
    access_key: Secret = Field(validation_alias=AliasChoices("access_key", "accesskey", "access_token"))


class ConfigChange(_ConfigFields):
    """What is left out stays as it is."""

    api_url: Secret | None = None
    app_id: Secret | None = Field(None, validation_alias=AliasChoices("app_id", "appid"))
    access_key: Secret | None = Field(None, validation_alias=AliasChoices("access_key", "accesskey", "access_token"))


class ConfigStatus(_Body):
    """Enable or disable."""

    enabled: bool


class SecretRotation(_Body):
    """A new callback secret; both are valid while the overlap lasts."""

    callback_secret: Secret | None = Field(None, description="generated when left out")
    overlap_s: int = Field(86_400, ge=0, le=2_592_000)


class ExtensionCreate(_Body):
    """One SIP line."""

    config_id: Id
    number: Short
    label: Short = ""


class ImportedExtension(_Body):
    """One row of an import."""

    number: str = Field(max_length=1000)
    label: str = Field("", max_length=1000)


class ExtensionImport(_Body):
    """Rows, or the text of a CSV with the columns `number` and `label`."""

    config_id: Id
    rows: list[ImportedExtension | str] | None = Field(None, max_length=100_000)
    csv: str | None = Field(None, max_length=10_000_000)


class ExtensionState(_Body):
    """Offline (after its call when it is in use) or available again."""

    state: Literal["available", "offline"]
    reason: Short = ""


class ExtensionRelease(_Body):
    """With `fence` only that one lease is ended."""

    fence: int | None = Field(None, ge=0, le=LARGEST_ID)


class CollectorCreate(_Body):
    """An agent. `collector_id` is your own number for him."""

    tenant_id: Id | None = None
    collector_id: Id
    name: Short = ""
    callback_number: Short = Field(description="where Infinity rings him; kept encrypted, shown masked")


class CollectorChange(_Body):
    """What is left out stays as it is."""

    name: Short | None = None
    callback_number: Short | None = None
    active: bool | None = None


class MakeCall(_Body):
    """Connect a collector with a customer. Case and customer are named by their ids only."""

    tenant_id: Id | None = None
    collector_id: Id
    phone: Short = Field(
        validation_alias=AliasChoices("phone", "contact_phone", "phone_number", "destination"),
        description="the customer's number; used for the call and stored masked",
    )
    case_id: Short | int | None = None
    customer_id: Short | int | None = Field(None, validation_alias=AliasChoices("customer_id", "contact_id"))
    strategy: Strategy | None = Field(None, description="instead of the configuration's")


def own_tenant(caller: Caller, tenant_id: int | None) -> int:
    """The tenant a request is about: the token's, or the one named by a token of all tenants."""
    wanted = tenant_id if tenant_id is not None else caller.tenant
    if wanted is None:
        raise InvalidInput("tenant_id is needed: this token is not bound to a tenant", field="tenant_id")
    if not caller.may_touch(wanted):
        raise Forbidden("this token is bound to another tenant")
    return wanted


def scope(caller: Caller, tenant_id: int | None) -> int | None:
    """The tenant a list is narrowed to; None: every tenant."""
    return caller.tenant if tenant_id is None else own_tenant(caller, tenant_id)


def visible(caller: Caller, tenant_id: int, what: str) -> None:
    """Another tenant's thing does not exist for this caller."""
    if not caller.may_touch(tenant_id):
        raise NotFound(f"there is no such {what}")


def ok(data: Any) -> dict[str, Any]:
    """The answer of every route."""
    return {"success": True, "data": data}


def listed(rows: list[Any], total: int, limit: int, offset: int) -> dict[str, Any]:
    """One page of records."""
    items = [row if isinstance(row, dict) else asdict(row) for row in rows]
    return ok({"items": items, "total": total, "limit": limit, "offset": offset})
