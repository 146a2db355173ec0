"""What every door is handed: settings, the database, secrets and vendor clients. Opens nothing until it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.engine import URL

from calling_pipeline import days
from calling_pipeline.database import embedded, migrate
from calling_pipeline.database.create import ensure_database
from calling_pipeline.database.credentials import CredentialStore
from calling_pipeline.database.crypto import SecretBox, derive_key
from calling_pipeline.database.engine import business_url, dagster_url, make_engine, reachable
from calling_pipeline.settings import Settings, load

if TYPE_CHECKING:
    import httpx

    from calling_pipeline.call_batches.dependencies import BatchDependencies
    from calling_pipeline.notifications.dependencies import NotificationDependencies
    from calling_pipeline.telephony.dependencies import TelephonyDependencies
    from calling_pipeline.telephony.records import Account
    from calling_pipeline.vendors.dial_gateway import DialGateway
    from calling_pipeline.vendors.guanke.client import GuankeClient
    from calling_pipeline.vendors.infinity.client import InfinityClient
    from calling_pipeline.vendors.metabase import Metabase
    from calling_pipeline.vendors.wecom import WeCom

BUSINESS_DATABASE = "calling"
DAGSTER_DATABASE = "dagster"


class Runtime:
    """One per process. Tests build it from settings of their own; a part is replaced by passing it in."""

    def __init__(self, settings: Settings, *, engine: sa.Engine | None = None) -> None:
        self.settings = settings
        if engine is not None:
            self.__dict__["engine"] = engine
        if settings.clock_start is not None:
            days.set_clock(days.clock_starting_at(settings.clock_start))

    @classmethod
    def load(cls, **overrides: Any) -> Runtime:
        """From the environment and `.env`."""
        return cls(load(**overrides))

    @cached_property
    def database_url(self) -> URL:
        """The business database; starts the embedded server when none is configured."""
        if self.settings.database_url is not None:
            return business_url(self.settings.database_url.get_secret_value())
        server = embedded.start(self.settings.home / "postgres")
        return ensure_database(business_url(server.get_uri()), BUSINESS_DATABASE)

    @cached_property
    def dagster_url(self) -> URL:
        """Dagster's own database, with the driver it needs; on the business server when none is configured."""
        if self.settings.dagster_database_url is not None:
            return dagster_url(self.settings.dagster_database_url.get_secret_value())
        beside = ensure_database(self.database_url, DAGSTER_DATABASE)
        return dagster_url(beside.render_as_string(hide_password=False))

    @cached_property
    def engine(self) -> sa.Engine:
        """Connections to the business database."""
        return make_engine(self.database_url)

    @cached_property
    def secrets(self) -> SecretBox:
        """Encrypts and opens the vendor secrets that are stored."""
        return SecretBox(self.settings.secret_key_bytes())

    @cached_property
    def credentials(self) -> CredentialStore:
        """The access tokens of vendors, shared by all processes."""
        return CredentialStore(self.engine, self.secrets)

    @cached_property
    def phone_key(self) -> bytes:
        """Key of `masking.phone_hash`."""
        return derive_key(self.settings.secret_key_bytes(), "phone hash")

    def dial_gateway(
        self, *, concurrency: int | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> DialGateway:
        """A client of the dialling gateway, as an async context manager."""
        from calling_pipeline.vendors.dial_gateway import DialGateway, GatewayAccount

        given = self.settings
        account = GatewayAccount(
            app_id=given.gateway_app_id,
            app_key=given.gateway_app_key.get_secret_value(),
            svc_code=given.gateway_svc_code,
            api_code=given.gateway_api_code,
            event_code=given.gateway_event_code,
            target_obj_id=given.gateway_target_obj_id,
            lan_id=given.gateway_lan_id,
            sign=given.gateway_sign.get_secret_value(),
        )
        return DialGateway(
            given.gateway_url,
            account,
            concurrency=concurrency or given.gateway_concurrency,
            timeout_s=given.gateway_timeout_s,
            transport=transport,
        )

    def infinity(self, account: Account) -> InfinityClient:
        """A client of one tenant's Infinity. It reaches public addresses only, unless the settings lift that."""
        from calling_pipeline.vendors.infinity.client import InfinityClient
        from calling_pipeline.vendors.url_guard import PublicOnlyTransport

        guard = None if self.settings.allow_private_urls else PublicOnlyTransport()
        return InfinityClient(account.api_url, account.app_id, account.access_key, tokens=self.credentials, transport=guard)

    @asynccontextmanager
    async def telephony(self) -> AsyncIterator[TelephonyDependencies]:
        """What the acts of telephony need, within one event loop; its connections to Infinity are closed at the end."""
        from calling_pipeline.telephony.dependencies import InfinityClients, TelephonyDependencies

        clients = InfinityClients(self.infinity)
        try:
            yield TelephonyDependencies(self.transaction, self.secrets, self.phone_key, clients.client)
        finally:
            await clients.aclose()

    def call_batches(self, *, by: str = "", patience_s: float = 60.0) -> BatchDependencies:
        """What call batches are pushed with, by the settings."""
        from calling_pipeline.call_batches.dependencies import BatchDependencies, PushLimits

        given = self.settings
        limits = PushLimits(given.gateway_concurrency, given.gateway_rate_per_s, patience_s)
        return BatchDependencies(self.engine, self.dial_gateway, limits, by)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed when the block ends well."""
        with reachable(self.engine) as connection, connection.begin():
            yield connection

    def guanke(self) -> GuankeClient:
        """A client of Guanke, to be used as an async context manager within one event loop."""
        from calling_pipeline.vendors.guanke.client import GuankeClient
        from calling_pipeline.vendors.guanke.token import Credentials

        settings = self.settings
        return GuankeClient(
            settings.guanke_base_url,
            Credentials(
                secret=_plain(settings.guanke_secret),
                username=settings.guanke_username,
                password=_plain(settings.guanke_password),
            ),
            concurrency=settings.guanke_concurrency,
            timeout_s=settings.guanke_timeout_s,
            tokens=self.credentials,
        )

    def wecom(self, *, concurrency: int = 40) -> WeCom:
        """A client of WeCom, to be used as an async context manager within one event loop."""
        from calling_pipeline.vendors.http import VendorHttp
        from calling_pipeline.vendors.wecom import WeCom

        return WeCom(
            VendorHttp(
                "wecom", self.settings.wecom_base_url, concurrency=concurrency, timeout_s=self.settings.wecom_timeout_s
            ),
            self.credentials,
            corp_id=self.settings.wecom_corp_id,
            corp_secret=self.settings.wecom_corp_secret.get_secret_value(),
            agent_id=self.settings.wecom_agent_id,
        )

    def notifications(self) -> NotificationDependencies:
        """What the notifications work with."""
        from calling_pipeline.notifications.config import load as load_plan
        from calling_pipeline.notifications.dependencies import NotificationDependencies

        settings = self.settings
        return NotificationDependencies(
            engine=self.engine,
            wecom=self.wecom,
            robots=settings.wecom_robots,
            users=settings.wecom_users,
            plan=load_plan(settings.campaigns_file),
            rate=settings.wecom_robot_rate_per_minute,
        )

    def metabase(self) -> Metabase:
        """A client of Metabase, to be used as an async context manager within one event loop."""
        from calling_pipeline.vendors.http import VendorHttp
        from calling_pipeline.vendors.metabase import Metabase

        return Metabase(
            VendorHttp("metabase", self.settings.metabase_url),
            self.credentials,
            username=self.settings.metabase_username,
            password=self.settings.metabase_password.get_secret_value(),
        )

    def require_schema(self) -> None:
        """Raise a `ConfigurationError` unless the database is migrated."""
        with reachable(self.engine) as connection:
            migrate.require_current(connection)

    def close(self) -> None:
        """Give the database connections back."""
        if "engine" in self.__dict__:
            self.engine.dispose()


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
