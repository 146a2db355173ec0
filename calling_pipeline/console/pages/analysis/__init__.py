"""`/analysis`: every analysis by name, over any range of days."""

from __future__ import annotations

from calling_pipeline.console.pages.analysis import looking

ROUTERS = (looking.router,)
