"""`calling-pipeline telephony quality`: samples of calls for review, and what is to be reviewed."""

from __future__ import annotations

from dataclasses import asdict

import click

from calling_pipeline import days
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.telephony.reviews.samples import sampling, store
from calling_pipeline.telephony.reviews.samples.records import Wish

SAMPLES = ("id", "tenant_id", "first", "last", "per_collector", "second_pct", "seed", "calls", "reviewed", "seconds",
           "seconds_reviewed", "made_by")  # fmt: skip
CALLS = ("record_id", "collector_id", "collector", "started_at", "duration_s", "destination_masked", "probability",
         "second", "scores")  # fmt: skip


@click.group()
def quality() -> None:
    """Samples of calls for review. The scores of one are shown by `calling-pipeline analysis call_quality`."""


@quality.command(cls=PipelineCommand)
@click.option("--tenant", type=click.IntRange(1), required=True, help="Whose calls.")
@click.option("--from", "first", required=True, metavar="D1", help="First day, YYYY-MM-DD.")
@click.option("--to", "last", required=True, metavar="D2", help="Last day, included; it is over.")
@click.option("--per-collector", type=int, default=5, show_default=True, help="Connected calls of each collector.")
@click.option(
    "--second",
    "second_pct",
    type=int,
    default=20,
    show_default=True,
    help="Percent for a second reviewer too, at least one call each.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another number draws other calls.")
@click.pass_obj
def sample(door: Door, tenant: int, first: str, last: str, per_collector: int, second_pct: int, seed: int) -> Answer:
    """Draw a sample; the same days, numbers and seed give the same calls.

    \b
    calling-pipeline telephony quality sample --tenant 1 --from 2026-11-23 --to 2026-11-29
    calling-pipeline telephony quality sample --tenant 1 --from 2026-11-23 --to 2026-11-29 --per-collector 10 --seed 7 --json
    """
    begin, end = days.day_asked(first, field="--from"), days.day_asked(last, field="--to")
    wish = Wish(tenant, begin, end, per_collector, second_pct, seed)
    with door.ready_runtime.transaction() as connection:
        drawn = sampling.draw_sample(connection, wish, who=acting_user())
    said = f"sample {drawn.id}: {drawn.calls} calls of {drawn.collectors} collectors, {drawn.seconds} for a second reviewer"
    return Answer(drawn, [said])


@quality.command(cls=PipelineCommand)
@click.option("--tenant", type=click.IntRange(1), help="Of this tenant alone.")
@click.pass_obj
def samples(door: Door, tenant: int | None) -> Answer:
    """Show samples and how far their review is, the newest first.

    \b
    calling-pipeline telephony quality samples --tenant 1
    """
    with door.ready_runtime.transaction() as connection:
        rows = store.page(connection, tenant_id=tenant, limit=200)
    shown = table([name.replace("_", " ") for name in SAMPLES], [[getattr(row, name) for name in SAMPLES] for row in rows])
    return Answer(rows, [shown if rows else "no sample was drawn yet"])


@quality.command(cls=PipelineCommand)
@click.argument("sample_id", type=click.IntRange(1))
@click.option("--waiting", is_flag=True, help="Those alone that a reviewer is still wanted for.")
@click.pass_obj
def calls(door: Door, sample_id: int, waiting: bool) -> Answer:
    """Show the calls of a sample with their probabilities and scores.

    \b
    calling-pipeline telephony quality calls 3 --waiting
    """
    with door.ready_runtime.transaction() as connection:
        found = sampling.find(connection, sample_id)
        rows = [one for one in store.calls(connection, sample_id) if one.missing or not waiting]
    shown = table([name.replace("_", " ") for name in CALLS], [[getattr(row, name) for name in CALLS] for row in rows])
    return Answer({"sample": found, "calls": [asdict(one) for one in rows]}, [shown if rows else "none"])
