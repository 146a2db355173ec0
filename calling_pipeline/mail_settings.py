"""The settings of reports by mail; part of `settings.Settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class MailSettings(BaseSettings):
    """One field a setting, as in `settings.Settings`."""

    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server of the reports: `smtp://user:password@host:587` or `smtps://…:465`, with"
        " `?starttls=required`, `offered` or `never` and `ca=FILE` where needed; unset: no mail",
    )
    mail_from: str = Field("", description="Address that reports are sent from; needed with CALLING_SMTP_URL")
    mail_concurrency: int = Field(4, ge=1, le=32, description="Connections to the mail server at once")
    mail_timeout_s: float = Field(60.0, gt=0, le=600, description="Seconds one mail may take; after that it is unknown")
