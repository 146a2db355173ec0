"""What mailing needs from its caller: the database, the mail server, the sender's address, channels, the pages' address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline.alerts.channels import Channel, parse_channels
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError, ConfigurationError
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings
from calling_pipeline.vendors.smtp.addresses import address_of
from calling_pipeline.vendors.smtp.client import Limits
from calling_pipeline.vendors.smtp.records import MailServer, server_of


@dataclass(frozen=True)
class MailDependencies:
    """`server` is None without one. `width`: deliveries in hand at once. `console`: address of the pages.

    `shadow`: nothing is sent.
    """

    engine: sa.Engine
    server: MailServer | None
    sender: str
    channels: Mapping[str, Channel]
    console: str
    width: int = 4
    limits: Limits = field(default_factory=Limits)
    shadow: bool = False

    @classmethod
    def from_runtime(cls, runtime: Runtime) -> MailDependencies:
        """As the settings say. Raises `ConfigurationError` for a mail server or a sender that is none."""
        server, sender = mail_of(runtime.settings)
        timeout_s = runtime.settings.mail_timeout_s
        return cls(
            engine=runtime.engine,
            server=server,
            sender=sender,
            channels={one.id: one for one in parse_channels(runtime.settings.alert_urls, centre=runtime.settings.centre)},
            console=runtime.settings.address,
            width=runtime.settings.mail_concurrency,
            limits=Limits(connect_s=min(15.0, timeout_s), mail_s=timeout_s),
            shadow=runtime.settings.shadow,
        )

    @property
    def domain(self) -> str:
        """The right side of Message-IDs."""
        return self.sender.rpartition("@")[2] or "calling-pipeline.invalid"

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed when the block ends well. Raises `DatabaseUnavailable`."""
        with reachable(self.engine) as connection, connection.begin():
            yield connection


def mail_of(settings: Settings) -> tuple[MailServer | None, str]:
    """The mail server and the address of the sender; None and an empty one without them. Raises `ConfigurationError`."""
    if settings.smtp_url is None:
        return None, ""
    try:
        sender = address_of(settings.mail_from, field="mail_from")
    except CallingError:
        raise ConfigurationError(
            "CALLING_MAIL_FROM is no mail address, and CALLING_SMTP_URL needs one; write reports@example.com"
        ) from None
    return server_of(settings.smtp_url.get_secret_value()), sender
