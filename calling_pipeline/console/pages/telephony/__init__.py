"""`/telephony`: the extension pool, configurations, collectors, usage and kept callbacks."""

from __future__ import annotations

from fastapi import APIRouter

from calling_pipeline.console.pages.telephony import (
    callbacks,
    collectors,
    configuration_form,
    configurations,
    extensions,
    imports,
    pool,
    samples,
    usage,
)

ROUTERS: tuple[APIRouter, ...] = (
    pool.router,
    imports.router,
    extensions.router,
    configuration_form.router,
    configurations.router,
    collectors.router,
    usage.router,
    samples.router,
    callbacks.router,
)
