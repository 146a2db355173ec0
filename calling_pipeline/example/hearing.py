"""Lets the simulated Infinity say what became of calls: it is given the address of this API and the tenant's secret."""

from __future__ import annotations

import httpx

from calling_pipeline.errors import VendorUnavailable
from calling_pipeline.example.names import APP_ID, TENANT
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.telephony.tenants.accounts import current_callback_secret

_CALLBACKS = "/api/v1/infinity/callback/call-record"


def hear(runtime: Runtime) -> bool:
    """Set the simulator up; False when the example has no configuration. Raises `VendorUnavailable` without a simulator."""
    settings = runtime.settings
    with runtime.transaction() as connection:
        config = tenant_store.config_of_tenant(connection, TENANT)
        if config is None or config.app_id != APP_ID:
            return False
        secret = current_callback_secret(runtime.secrets, config)
    wanted = {"callback_url": f"http://127.0.0.1:{settings.api_port}{_CALLBACKS}", "callback_secret": secret}
    try:
        with httpx.Client(trust_env=False, timeout=10) as client:
            client.post(f"{settings.simulator_url}/infinity/_sim/settings", json=wanted).raise_for_status()
    except httpx.HTTPError as error:
        raise VendorUnavailable("the vendors' simulator does not answer; is `up` running?", vendor="simulator") from error
    return True
