"""What Dagster shows leads back to the console: every asset of ours has its page there, and the page exists."""

import datetime as dt
import re

import dagster as dg
import pytest

from calling_pipeline import addresses
from calling_pipeline.alerts.texts import KINDS
from calling_pipeline.call_stats.tables import daily_history
from calling_pipeline.console.app import create_pages
from calling_pipeline.definitions import defs
from calling_pipeline.defs.console import in_console, with_runbook

DAY = dt.date(2026, 11, 20)


def test_every_asset_of_ours_has_its_page(runtime):
    graph = defs.get_repository_def().asset_graph
    ours = {key.to_user_string() for key in graph.materializable_asset_keys} | {daily_history.name}
    assert {asset for asset in ours if not in_console(runtime, asset)} == set()


@pytest.mark.parametrize(
    ("asset", "page"),
    [
        ("grade_stats_cache", f"/stats?date={DAY}"),
        ("call_batches", "/batches"),
        ("extension_pool", "/telephony"),
    ],
)
def test_the_address_is_the_one_that_people_reach(runtime, asset, page):
    runtime.settings = runtime.settings.model_copy(update={"public_url": "https://centre.test"})
    assert in_console(runtime, asset, DAY)["console"].value == f"https://centre.test{page}"
    assert in_console(runtime, "somebody's", DAY) == {}


def test_a_check_leads_to_its_runbook_by_its_description_and_its_metadata(runtime):
    groups = [one for one in [*(defs.asset_checks or ()), *(defs.assets or ())] if isinstance(one, dg.AssetsDefinition)]
    ours = [
        spec for group in groups for spec in group.check_specs if "the console's page /runbooks/check." in spec.description
    ]
    assert len(ours) > 20
    runtime.settings = runtime.settings.model_copy(update={"public_url": "https://centre.test"})
    assert with_runbook(runtime, "check")["runbook"].value == "https://centre.test/runbooks/check"


def test_every_address_that_is_named_is_a_page(runtime):
    paths = {path for path, methods in create_pages(runtime).openapi()["paths"].items() if "get" in methods}
    graph = defs.get_repository_def().asset_graph
    named = {addresses.of_asset(key.to_user_string(), DAY).partition("?")[0] for key in graph.materializable_asset_keys}
    named |= {kind.console.partition("?")[0] for kind in KINDS.values() if kind.console} | {addresses.ALERTS}
    named |= {addresses.of_runbook(kind) for kind in KINDS} | {addresses.RUNBOOKS}
    for path in ("/alerts/{alert_id}", "/batches/{batch_id}", "/notifications/{box}/messages"):
        assert path in paths
    pages = re.compile("|".join(re.sub(r"{\w+}", "[^/]+", path) for path in paths))
    assert {path for path in named if not pages.fullmatch(path)} == set()
