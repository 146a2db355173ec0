"""All settings, read once (prefix `CALLING_`). Beside `setting_files.py` nothing reads the environment."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from calling_pipeline.engine_settings import EngineSettings
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.gate_rules import GateRule
from calling_pipeline.gateway_settings import GatewaySettings
from calling_pipeline.key_settings import KeySettings
from calling_pipeline.project import HOME, environment_file, in_the_project, kept_text, project_folder, where_home_is
from calling_pipeline.setting_files import with_values
from calling_pipeline.watching_settings import WatchingSettings
from calling_pipeline.wrong_settings import sentences

PREFIX = "CALLING_"
Role = Literal["admin", "operator", "collector", "viewer"]
GrantableRoom = Literal[
    "statistics", "batches", "policy", "ledger", "notifications", "alerts", "status", "reports", "migrate"
]
"""Rooms without tenants: closed to whoever is bound to one, unless the room is granted by name."""


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")


def _simulated(vendor: str) -> Callable[[dict[str, Any]], str]:
    return lambda data: f"http://127.0.0.1:{data['simulator_port']}/{vendor}"


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class TokenGrant(BaseModel):
    """What one API token may do; `tenant` null means every tenant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    tenant: int | None = None
    name: str | None = Field(None, min_length=1, max_length=60)
    collector: int | None = None
    grants: tuple[GrantableRoom, ...] = ()

    @model_validator(mode="after")
    def _collector_of_a_tenant(self) -> TokenGrant:
        if self.collector is not None and self.tenant is None:
            raise ValueError("a collector belongs to a tenant: name the tenant too")
        return self


class Settings(EngineSettings, GatewaySettings, KeySettings, WatchingSettings):
    """One field a setting; the README's table is made from these descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True, env_ignore_empty=True
    )

    home: Annotated[Path, AfterValidator(in_the_project)] = Field(
        Path(HOME),
        validate_default=True,
        description="Folder of the embedded server, generated keys and Dagster's files; a relative one lies in the project's"
        " folder, also when a command is run below it",
    )
    database_url: SecretStr | None = Field(
        None, description="Business database; unset: embedded PostgreSQL under CALLING_HOME"
    )
    database_direct_url: SecretStr | None = Field(
        None,
        description="Address of PostgreSQL itself, where CALLING_DATABASE_URL leads through a pooler (PgBouncer): session"
        " locks, migrations, the API's time limits and Dagster's database use it",
    )
    dagster_database_url: SecretStr | None = Field(
        None, description="Dagster's database; unset: `dagster` on the same server"
    )
    partition_start: dt.date = Field(
        dt.date(2025, 1, 1),
        description="First day that may be read, and of Dagster's daily partitions; unset, a new installation's partitions"
        " begin ten days before it (kept in CALLING_HOME)",
    )
    cache_retention_days: int = Field(30, ge=1, description="Days the stats caches are kept")
    call_record_retention_days: int = Field(90, ge=11, description="Days call records are kept")
    catch_up_days: int = Field(
        30, ge=1, description="Past days that are filled by themselves after a downtime; at most what the vendors keep"
    )
    vendor_retry_delay_s: float = Field(
        30.0, ge=0, description="Seconds before a step asks a vendor again that could not answer; then 3 and 7 times as long"
    )
    dagster_retention_days: int = Field(
        30,
        ge=1,
        description="Days Dagster's runs, ticks and operational events are kept; steps of what went well and was done again:"
        " one day",
    )

    ui_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI under `make up`")
    api_port: int = Field(8000, ge=1, le=65535, description="Port of the HTTP API")
    simulator_port: int = Field(8900, ge=1, le=65535, description="Port of the vendor simulator")
    simulator_hour_effect: float = Field(
        0.0,
        ge=0,
        le=2,
        description="How much an answer depends on weekday, hour and province in the simulated world of `make up`; 0: not",
    )
    code_server_port: int = Field(4266, ge=1, le=65535, description="Port of Dagster's code server under `make up`")

    guanke_base_url: HttpUrl = Field(
        default_factory=_simulated("guanke"), description="Guanke: call records and task statistics"
    )
    guanke_secret: SecretStr | None = Field(None, description="Guanke secret, preferred to user name and password")
    guanke_username: str | None = Field(None, description="Guanke user name")
    guanke_password: SecretStr | None = Field(None, description="Guanke password")
    guanke_concurrency: int = Field(16, ge=1, le=64, description="Guanke pages in flight at once")
    guanke_timeout_s: float = Field(30.0, gt=0, description="Seconds one Guanke page may take")

    grade_words: dict[str, Literal[0, 1, 9]] = Field(
        default_factory=dict,
        description='JSON: grade text → 9, 1 or 0 (no order), e.g. `{"九元": 9}`; beside 9元, 9, 1元, 1 and A … F',
    )
    agent_names: dict[str, str] = Field(
        default_factory=dict, description="JSON: agent account of the call records → name, for rankings"
    )
    gate_unknown_grades_pct: float = Field(
        2.0, ge=0, le=100, description="A day is held when more of its grades (in %) are unknown texts"
    )
    gate_missing_fields_pct: float = Field(
        1.0, ge=0, le=100, description="A day is held when more of its records (in %) lack a field that is counted"
    )
    gate_outside_day_pct: float = Field(
        1.0, ge=0, le=100, description="A day is held when more of its records (in %) are calls of another day"
    )
    gate_tracks_pct: float = Field(
        20.0, gt=0, description="A finished day is held when its tracks' orders or calls differ by more (in %)"
    )
    gate_drop_pct: float = Field(
        75.0,
        gt=0,
        le=100,
        description="A finished day is held when its calls or orders are so much (in %) below the same weekdays",
    )
    gate_jump_factor: float = Field(
        4.0, gt=1, description="A finished day is held with more than so many times the calls of the same weekdays"
    )
    gate_lost_pct: float = Field(
        30.0, gt=0, le=100, description="A day is held when a later read has lost more of its published orders (in %)"
    )
    gate_severities: dict[GateRule, Literal["hold", "warn", "off"]] = Field(
        default_factory=dict,
        description='JSON: rule of the publishing gate → "hold", "warn" or "off", where other than in call_stats/gate.py',
    )

    gateway_url: HttpUrl = Field(
        default_factory=_simulated("gateway"), description="Dialling gateway: where call batches are pushed"
    )
    call_result_reach_h: int = Field(24, ge=1, le=240, description="Hours after its push in which a call may be dialled")
    refused_days: int = Field(90, ge=0, description="Days for which a number that the gateway refused is left out; 0: none")
    source_schemas: list[str] = Field([], description="JSON list: schemas calling tasks may read; empty: all but our own")

    wecom_base_url: HttpUrl = Field(default_factory=_simulated("wecom"), description="WeCom API")
    wecom_robots: dict[str, str] = Field(default_factory=dict, repr=False, description="JSON: group name → robot key")
    wecom_corp_id: str = Field("simulator", description="WeCom corporation id")
    wecom_corp_secret: SecretStr = Field(SecretStr("simulator"), description="WeCom corporation secret")
    wecom_agent_id: int = Field(1000002, description="WeCom application id")
    wecom_robot_rate_per_minute: int = Field(
        20, ge=0, description="Messages per minute at most to one WeCom robot, over all processes; 0: no limit"
    )
    wecom_timeout_s: float = Field(20.0, gt=0, description="Seconds WeCom may take to answer")
    wecom_users: dict[str, str] = Field(default_factory=dict, description="JSON: contact name → WeCom user id")

    infinity_timeout_s: float = Field(
        10.0, gt=0, description="Seconds one request to Infinity may take; after that whether a call was made is unknown"
    )
    recordings_dir: Path | None = Field(None, description="Folder of calls' recordings; unset: `recordings` in CALLING_HOME")
    recordings_days: int = Field(180, ge=1, description="Days recordings are kept; their rows stay")
    case_days: int = Field(365, ge=1, description="Days collectors' cases are kept after they are done")
    recordings_largest_mb: int = Field(100, ge=1, le=4096, description="Megabytes a recording may have")
    recordings_link_hours: float = Field(72.0, gt=0, description="Hours a link to a recording works that does not say so")
    archive_dir: Path | None = Field(
        None, description="Folder of the month files of left-out rows; unset: `archives` in CALLING_HOME"
    )
    archive_after_days: int = Field(
        0,
        ge=0,
        description="Days until the rows that a closed batch left out move into month files; 0: never, else at least 90",
    )

    metabase_url: HttpUrl = Field(default_factory=_simulated("metabase"), description="Metabase: technician status changes")
    metabase_username: str = Field("simulator", description="Metabase user name")
    metabase_password: SecretStr = Field(SecretStr("simulator"), description="Metabase password")

    contract_ledgers: list[Path] = Field(default_factory=list, description="JSON list: contract ledger CSV files")
    campaigns_file: Path | None = Field(
        None, description="TOML file of campaigns and technicians' receivers; unset: the one in the package"
    )

    public_url: HttpUrl | None = Field(
        None, description="Address by which people reach this system, for links in alerts; unset: this machine's ports"
    )
    ui_url: HttpUrl | None = Field(
        None, description="Address of the Dagster UI; unset: `/dagster` under CALLING_PUBLIC_URL, else CALLING_UI_PORT here"
    )
    ui_hosts: list[str] = Field(
        default_factory=list,
        description="JSON list: further host names of the Dagster UI, beside this machine's own and those of the URLs above",
    )
    language: Literal["zh", "en"] = Field(
        "zh", description="Language of pages, `zh` or `en`, for who has chosen none, and of alerts that are sent"
    )
    api_tokens: dict[str, TokenGrant] | None = Field(
        None,
        repr=False,
        description='JSON: token → {"role", "tenant", "name", "collector", "grants"}; unset: one token of the person'
        " `admin` is generated into CALLING_HOME",
    )
    trusted_user_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]*$",
        description="Header in which a trusted proxy names the person who is logged in, e.g. `X-Remote-User`; unset: none",
    )
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="JSON list: addresses or networks of those proxies, believed too about who sends a callback without a"
        " signature; unset, with the header set: `127.0.0.1`",
    )
    user: str | None = Field(
        None, description="Who acts on the command line: a known active person; unset: the account of this machine"
    )
    api_statement_timeout_s: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="Seconds a statement of an API request may take; refreshes and migrations: no limit",
    )
    api_lock_timeout_s: float = Field(10.0, gt=0, le=3600, description="Seconds an API request waits for a lock")
    shadow: bool = Field(
        False, description="Beside an old system: sync and plan, neither call nor send (`docs/takeover.md`)"
    )
    example: bool = Field(
        True,
        description="With the simulator, `make up` puts a small example world into a new installation's rooms"
        " (`calling-pipeline example`)",
    )
    source_url: HttpUrl | None = Field(None, description="Repository page the UI links assets to; unset: the local file")
    source_branch: str = Field("main", description="Branch of those links")
    allow_private_urls: bool = Field(
        False, description="Let tenants' URLs reach private networks (development and tests only)"
    )
    private_origins: list[HttpUrl] = Field(
        default_factory=list,
        description="JSON list: origins (`http://host:port`) in private networks that tenants' URLs may reach all the same;"
        " `make up` names its simulator",
    )
    clock_start: dt.datetime | None = Field(None, description="Start the clock at this instant (development and tests only)")

    @property
    def simulator_url(self) -> str:
        """Where the vendor simulator of this machine listens."""
        return f"http://127.0.0.1:{self.simulator_port}"

    @property
    def address(self) -> str:
        """Where people reach this system: pages and API."""
        return self.public_url or f"http://127.0.0.1:{self.api_port}"

    @property
    def ui_address(self) -> str:
        """Where people open the Dagster UI."""
        if self.ui_url is not None:
            return self.ui_url
        return f"{self.public_url}/dagster" if self.public_url else f"http://127.0.0.1:{self.ui_port}"

    @staticmethod
    def child_environment(more: Mapping[str, str]) -> dict[str, str]:
        """The environment of a child process: this process's own, and `more`."""
        return with_values(os.environ, more)

    def vendor_urls(self) -> list[str]:
        """The base URLs of the outside systems."""
        return [self.guanke_base_url, self.gateway_url, self.wecom_base_url, self.metabase_url]

    def where_home_is(self) -> str:
        """Why `home` is where it is, and how another is chosen: the middle of a sentence."""
        return where_home_is(self.home, named="home" in self.model_fields_set)

    def first_partition(self) -> dt.date:
        """First day of Dagster's daily partitions: the setting, else the day that `keep_first_partition` kept."""
        kept = self.home / "partition_start"
        if "partition_start" in self.model_fields_set or not kept.is_file():
            return self.partition_start
        try:
            return dt.date.fromisoformat(kept.read_text().strip())
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{kept} holds no date (YYYY-MM-DD): {error}; repair it or delete it") from error

    def keep_first_partition(self, day: dt.date) -> None:
        """Let the partitions of a new installation begin on `day` from now on; a later call changes nothing."""
        kept_text(self.home / "partition_start", day.isoformat)

    def secret_key_bytes(self) -> bytes:
        """The key material, at least 16 bytes; read from the setting, else generated once into `home` (mode 0600)."""
        text = self.secret_key.get_secret_value() if self.secret_key else self._kept_secret("secret.key")
        if len(text.encode()) < 16:
            raise ConfigurationError(f"{PREFIX}SECRET_KEY is shorter than 16 bytes; set a longer random value")
        return text.encode()

    def token_grants(self) -> Mapping[str, TokenGrant]:
        """API tokens and what they may do; without the setting one admin token, generated once into `home`."""
        if self.api_tokens is not None:
            return self.api_tokens
        return {self._kept_secret("admin.token"): TokenGrant(role="admin", name="admin")}

    def _kept_secret(self, name: str) -> str:
        """The secret in that file of `home`; when there is none, one is made, but no folder where nobody looks for one."""
        if not self.home.is_dir() and "home" not in self.model_fields_set and project_folder() is None:
            raise ConfigurationError(f"there is no {self.home / name}: {self.where_home_is()}")
        return kept_text(self.home / name, lambda: secrets.token_urlsafe(32))

    def proxies(self) -> list[str]:
        """Addresses and networks from which `trusted_user_header` is believed."""
        if self.trusted_user_header is None:
            return []
        return self.trusted_proxies or ["127.0.0.1"]


def load(given: Path | None = None, **overrides: Any) -> Settings:
    """Read and validate the settings; `ConfigurationError` with one sentence a wrong setting, never its value.

    `given`: an environment file in the place of `.env`.
    """
    try:
        overrides["_env_file"] = given or environment_file()
        return Settings(**overrides)
    except ValidationError as error:
        raise ConfigurationError("; ".join(sentences(error, PREFIX))) from None
    except ValueError as error:
        name = str(error).split('"')[1] if '"' in str(error) else "a setting"
        raise ConfigurationError(f"{PREFIX}{name.upper()} is not valid JSON; see the settings table in README.md") from None
