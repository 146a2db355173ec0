"""`/policy`: whether a number may be called, the do-not-call list, hours and holidays."""

from __future__ import annotations

from calling_pipeline.console.pages.policy import calendar, entries, importing, number, overview, persons

ROUTERS = (overview.router, number.router, entries.router, importing.router, calendar.router, persons.router)
