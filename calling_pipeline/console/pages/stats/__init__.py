"""`/stats`: a day or a range of both tracks, refreshes, trend, ranking, held days."""

from __future__ import annotations

from calling_pipeline.console.pages.stats import agents, held, looking, refreshing

ROUTERS = (looking.router, refreshing.router, agents.router, held.router)
