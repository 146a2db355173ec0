"""`calling-pipeline calls results` and `calls join`: what became of pushed calls."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.calls.results import views
from calling_pipeline.call_batches.calls.results.records import RESULTS, Result
from calling_pipeline.call_batches.calls.rows.views import write_csv
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table_of

_SHOWN = ("row_key", "source_row", "phone", "result", "order_yuan", "talk_s", "called_at", "agent_id")


@click.command(cls=PipelineCommand)
@click.argument("batch_id", type=int, metavar="BATCH")
@click.option("--result", type=click.Choice(RESULTS), help="Only calls with this result.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all of them to this file.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 5000), help="Calls shown without --csv.")
@click.pass_obj
def results(door: Door, batch_id: int, result: Result | None, csv_file: Path | None, limit: int) -> Answer:
    """List what became of the pushed calls of a batch, by the source's own key, numbers masked.

    \b
    calling-pipeline calls results 12 --result connected
    calling-pipeline calls results 12 --csv results.csv
    """
    with door.ready_runtime.transaction() as connection:
        batch_store.batch(connection, batch_id)
        if csv_file is not None:
            found = result_store.all_of_batch(connection, batch_id, result=result)
            written = write_csv(csv_file, map(views.result_document, found), views.COLUMNS)
            after = {"results": written, "file": csv_file.name}
            note_act(connection, "batch.export", f"batch:{batch_id}", by=acting_user(), after=after)
            return Answer({"results": written, "file": csv_file}, [f"{written} results written to {csv_file}"])
        rows = result_store.of_batch(connection, batch_id, result=result, limit=limit)
    documents = [views.result_document(row) for row in rows]
    return Answer(documents, [table_of(_SHOWN, documents)])


@click.command(cls=PipelineCommand)
@click.option("--from", "first", required=True, metavar="DATE", help="First day of batches.")
@click.option("--to", "last", metavar="DATE", help="Last day, the first without it.")
@click.pass_obj
def join(door: Door, first: str, last: str | None) -> Answer:
    """Join the pushed calls of days with the stored call records. Reads nothing from a vendor and changes nothing twice.

    Dagster does this by itself after each sync.

    Example: calling-pipeline calls join --from yesterday --to today
    """
    runtime = door.ready_runtime
    begin = days.day_asked(first, field="--from")
    wanted = days.day_range(begin, days.day_asked(last, field="--to") if last else begin)
    rules = JoinRules.of(runtime.settings, runtime.phone_keys)
    done = [_joined(door, day, rules) for day in wanted]
    lines = [f"{one['day']}: {one['pushed']:,} pushed calls, {one['changed']:,} results new or changed" for one in done]
    return Answer(done, lines)


def _joined(door: Door, day: dt.date, rules: JoinRules) -> dict[str, object]:
    with door.ready_runtime.transaction() as connection:
        joined = join_day(connection, day, rules)
    return {"day": day, "pushed": joined.pushed, "changed": joined.changed}
