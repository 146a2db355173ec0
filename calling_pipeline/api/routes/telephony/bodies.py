"""Bodies of the telephony API's requests, and of the answers that are no records of the room."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from calling_pipeline.api.dependencies import LARGEST_ID, PRINTABLE, Day, Id, Short, Text, Whole
from calling_pipeline.telephony.records import Config, Extension, ImportRow, Strategy

PREFIX = "/api/v1/infinity"
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE, strip_whitespace=True)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _ConfigFields(_Body):
    name: Secret | None = Field(None, description="what people call it; unique within the tenant")
    enabled: bool | None = Field(None, description="one configuration per tenant may be enabled")
    strategy: Strategy | None = Field(None, description="which extension is allocated first")
    max_concurrent_calls: Whole | None = Field(None, ge=1, le=1000)
    ring_timeout_s: Whole | None = Field(
        None, ge=10, le=300, validation_alias=AliasChoices("ring_timeout_s", "ring_timeout"), description="seconds"
    )
    cool_down_s: Whole | None = Field(None, ge=0, le=86_400, description="rest of an extension after a call")
    quarantine_after: Whole | None = Field(None, ge=0, le=1000, description="failures in a row; 0: never")
    quarantine_s: Whole | None = Field(None, ge=0, le=2_592_000, description="length; 0: until an operator ends it")
    caller_numbers: list[Short] | None = Field(None, max_length=10_000, description="rotated call by call")
    caller_range_start: Short | None = Field(None, description="first caller number of a range; empty: no range")
    caller_range_end: Short | None = Field(None, description="last caller number of the range")
    contact_rules: dict[str, Any] | None = Field(
        None,
        description='contact policy: preset and overrides, such as {"countries": ["CN"], "number_kinds": ["mobile"]}',
    )
    calls_per_hour: int | None = Field(None, ge=0, le=1_000_000, description="of the tenant, within any hour; 0: no limit")
    calls_per_day: int | None = Field(None, ge=0, le=1_000_000, description="of the tenant, within 24 hours; 0: no limit")
    collector_calls_per_hour: int | None = Field(None, ge=0, le=1_000_000, description="of each collector, within any hour")
    collector_calls_per_day: int | None = Field(None, ge=0, le=1_000_000, description="of each collector, within 24 hours")
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


class ConnectionTest(_Body):
    """An account with Infinity to try, of which nothing is kept.

    With `config_id` what is left out is that configuration's; its access key is used for its own address alone.
    """

    config_id: Id | None = None
    api_url: Secret | None = None
    app_id: Secret | None = Field(None, validation_alias=AliasChoices("app_id", "appid"))
    access_key: Secret | None = Field(None, validation_alias=AliasChoices("access_key", "accesskey", "access_token"))


class ConfigStatus(_Body):
    """Enable or disable."""

    enabled: bool


class SecretRotation(_Body):
    """A new callback secret; both are valid while the overlap lasts."""

    callback_secret: Secret | None = Field(None, description="generated when left out")
    overlap_s: Whole = Field(86_400, ge=0, le=2_592_000)


class CallbackPath(_Body):
    """From where callbacks without a signature come."""

    addresses: list[Short] = Field(
        min_length=1, max_length=100, description="addresses or networks: 203.0.113.7, 203.0.113.0/24"
    )


class OpenedPath(BaseModel):
    """The secret path for callbacks without a signature; shown this once."""

    path: str
    config: Config


class Replay(_Body):
    """What a person knows about a callback that cannot be read."""

    is_connected: bool | None = None
    call_duration: Whole | None = Field(None, ge=0, le=9_999_999, description="seconds")
    reason: Short = ""


class Reconciliation(_Body):
    """The day to compare with Infinity's bill."""

    day: Day


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
    dry_run: bool = Field(False, description="say what each row would become, and change nothing")


class ExtensionState(_Body):
    """Offline (after its call when it is in use) or available again."""

    state: Literal["available", "offline"]
    reason: Short = ""


class ExtensionRelease(_Body):
    """With `fence` only that allocation is ended."""

    fence: Whole | None = Field(None, ge=0, le=LARGEST_ID)
    reason: Short = ""


class ForceRelease(_Body):
    """Why what a collector holds is released."""

    reason: Short = ""


class CollectorCreate(_Body):
    """A collector. `collector_id` is your own number for this person."""

    tenant_id: Id | None = None
    collector_id: Id
    name: Short = ""
    callback_number: Short = Field(
        description="for people: on which phone the collector sits. MakeCall has no field for it, and Infinity names none:"
        " what rings is the number bound to the extension at Infinity. Kept encrypted, shown masked"
    )


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


class Deleted(BaseModel):
    """The answer to a deletion."""

    id: int
    deleted: bool = True


class CollectorImport(_Body):
    """The text of a CSV with the columns `collector_id`, `callback_number` and `name`."""

    tenant_id: Id | None = None
    csv: Text = Field(max_length=10_000_000)
    dry_run: bool = Field(False, description="say what each row would become, and change nothing")


class Imported(BaseModel):
    """The answer to an import: how many rows had which result, and each row's."""

    counts: dict[str, int]
    rows: list[ImportRow]


class Released(BaseModel):
    """The answer to a release: whether it was carried out, and the extension as it is now."""

    released: bool
    extension: Extension


class ForceReleased(BaseModel):
    """The ids of the extensions that were released."""

    released: list[int]
