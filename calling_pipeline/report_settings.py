"""The settings of reports, of their mails and of large exports; part of `settings.Settings`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from calling_pipeline.setting_files import FromFiles


class ReportSettings(FromFiles):
    """One field a setting, as in `settings.Settings`."""

    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server of the reports: `smtp://user:password@host:587` or `smtps://…:465`, with"
        " `?starttls=required`, `offered` or `never` and `ca=FILE` where needed; unset: no mail",
    )
    mail_from: str = Field("", description="Address that reports are sent from; needed with CALLING_SMTP_URL")
    mail_concurrency: int = Field(4, ge=1, le=32, description="Connections to the mail server at once")
    mail_timeout_s: float = Field(60.0, gt=0, le=600, description="Seconds one mail may take; after that it is unknown")
    report_deadline: float = Field(
        10.0,
        ge=1,
        le=240,
        description="Hours after the end of its period after which a report is made though days of it are not complete",
    )
    export_hours: float = Field(72.0, gt=0, description="Hours the file of a large export is kept and its link works")
    report_font: Path | None = Field(
        None, description="Font file of reports as PDF; unset: the system's Noto Sans CJK, else the built-in Noto Sans SC"
    )
