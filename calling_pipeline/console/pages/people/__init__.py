"""`/people`: who may act, and `/me`: one's own login."""

from __future__ import annotations

from calling_pipeline.console.pages.people import changing, listed, me, one, proofs

ROUTERS = (listed.router, changing.router, proofs.router, me.router, one.router)
