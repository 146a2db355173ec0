"""The settings of the dialling gateway; part of `settings.Settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from calling_pipeline.report_settings import ReportSettings


class GatewaySettings(ReportSettings):
    """One field a setting, as in `settings.Settings`. Where the gateway is stands there, beside the other vendors."""

    gateway_app_id: str = Field("calling-pipeline", description="Gateway X-APP-ID")
    gateway_app_key: SecretStr = Field(SecretStr("simulator"), description="Gateway X-APP-KEY")
    gateway_timeout_s: float = Field(10.0, gt=0, description="Seconds one push may take; after that its outcome is unknown")
    gateway_svc_code: str = Field("6010020001", description="Gateway svc_code")
    gateway_api_code: str = Field("601002000100001", description="Gateway api_code")
    gateway_event_code: str = Field("", description="Gateway event_code")
    gateway_target_obj_id: str = Field("", description="Gateway target_obj_id")
    gateway_lan_id: str = Field("1600", description="Gateway lan_id")
    gateway_sign: SecretStr = Field(SecretStr(""), description="Gateway sign")
    gateway_concurrency: int = Field(32, ge=1, le=256, description="Pushes in flight at once")
    gateway_rate_per_s: float = Field(50.0, gt=0, description="Pushes per second at most, over all batches and processes")
    gateway_account_codes: list[str] = Field(["401", "1003"], description="JSON list: codes that refuse us, not the number")
    gateway_breaker_in_a_row: int = Field(10, ge=1, description="A batch pauses when so many calls in a row end alike badly")
    gateway_breaker_window: int = Field(20, ge=1, description="Or when none of its last so many calls was accepted, and …")
    gateway_breaker_share_pct: float = Field(50.0, gt=0, le=100, description="… so many of them (in %) ended alike")
