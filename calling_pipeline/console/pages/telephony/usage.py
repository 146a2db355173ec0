"""`/telephony/usage`: how much the lines were used on a day, and how often there was none."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from calling_pipeline import days
from calling_pipeline.charts.bars import bars
from calling_pipeline.charts.lines import lines
from calling_pipeline.charts.records import Bars, Caption, Lines, Series
from calling_pipeline.console.pages.telephony.common import Viewer, chosen_tenant, tenants_to_choose
from calling_pipeline.console.views import View
from calling_pipeline.telephony.pool.usage import store
from calling_pipeline.telephony.pool.usage.records import Usage

router = APIRouter(tags=["telephony"])
FRESH_S = 15.0


@dataclass(frozen=True)
class Rule:
    """Clicks that one rule refused. `text` is the catalogue's key for it, empty where it has none."""

    name: str
    text: str
    number: int


@router.get("/telephony/usage")
def show(view: Viewer) -> Response:
    """A day's calls, utilisation and refusals hour by hour. `day` and `tenant` choose."""
    tenant = chosen_tenant(view)
    given = view.request.query_params.get("day", "").strip()
    day = days.parse_day(given, field="day") if given else days.today()

    def read() -> Usage:
        with view.transaction() as connection:
            return store.of_day(connection, day, tenant_id=tenant)

    usage = view.shared(("telephony usage", tenant, day), FRESH_S, read)
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    return view.page(
        "telephony/usage.html",
        usage=usage,
        tenants=tenants,
        rules=[_rule(view, name, number) for name, number in usage.refused.items()],
        calls_chart=_calls(view, usage),
        pool_chart=_pool(view, usage),
        before=day - dt.timedelta(days=1),
        after=day + dt.timedelta(days=1) if day < days.today() else None,
    )


def _calls(view: View, usage: Usage) -> Markup:
    caption = Caption("calls-by-hour", view.t("telephony.calls_by_hour"), view.t("telephony.calls_by_hour_text"))
    calls = Series(view.t("telephony.calls"), [one.calls for one in usage.hours])
    connected = Series(view.t("telephony.call_connected"), [one.connected for one in usage.hours], "second")
    refused = Series(view.t("telephony.refused"), [one.refusals for one in usage.hours], "third")
    labels = [f"{one.hour:02d}" for one in usage.hours]
    return bars(Bars(caption, labels, [[calls, connected], [refused]], view.language))


def _pool(view: View, usage: Usage) -> Markup:
    caption = Caption("use-by-hour", view.t("telephony.use_by_hour"), view.t("telephony.use_by_hour_text"))
    peak = Series(view.t("telephony.peak"), [one.peak_pct for one in usage.hours])
    mean = Series(view.t("telephony.mean"), [one.mean_pct for one in usage.hours], "mean")
    labels = [f"{one.hour:02d}" for one in usage.hours]
    return lines(Lines(caption, labels, [peak, mean], whole=False, unit="%", language=view.language))


def _rule(view: View, name: str, number: int) -> Rule:
    key = f"telephony.rule_{name.replace(':', '_')}"
    return Rule(name, key if key in view.renderer.catalogue.keys else "", number)
