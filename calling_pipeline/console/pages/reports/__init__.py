"""`/reports`: what was made of days, weeks and months, each report as a page and as a file, and making one by hand."""

from __future__ import annotations

from calling_pipeline.console.pages.reports import history, mail, making, preview

ROUTERS = (history.router, mail.router, making.router, preview.router)
