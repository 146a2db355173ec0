"""`calling-pipeline calls rows` and `calls why`: what became of each row of a batch, and of one number."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.analysis.number_history.gathering import number_history
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls.rows import store as row_store
from calling_pipeline.call_batches.calls.rows import views
from calling_pipeline.call_batches.dependencies import archives_of
from calling_pipeline.call_batches.records import REASONS, CallState
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table, table_of

_SHOWN = ("call_id", "source_row", "row_key", "phone", "state", "said", "redial", "code")


@click.command(cls=PipelineCommand)
@click.argument("batch_id", type=int, metavar="BATCH")
@click.option("--state", type=click.Choice(get_args(CallState)), help="Only rows in this state.")
@click.option("--reason", help=f"Only rows with this reason: {', '.join(REASONS)}.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all of them to this file.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 5000), help="Rows shown without --csv.")
@click.pass_obj
def rows(
    door: Door, batch_id: int, state: CallState | None, reason: str | None, csv_file: Path | None, limit: int
) -> Answer:
    """List the rows of a batch with what became of them, numbers masked.

    \b
    calling-pipeline calls rows 12 --state refused
    calling-pipeline calls rows 12 --reason do_not_call --csv left-out.csv
    """
    with door.ready_runtime.transaction() as connection:
        batch_store.batch(connection, batch_id)
        if csv_file is not None:
            found = row_store.all_of_batch(connection, batch_id, state=state, reason=reason)
            written = views.write_csv(csv_file, map(views.row_document, found))
            after = {"rows": written, "file": csv_file.name}
            note_act(connection, "batch.export", f"batch:{batch_id}", by=acting_user(), after=after)
            return Answer({"rows": written, "file": csv_file}, [f"{written} rows written to {csv_file}"])
        found_rows = row_store.of_batch(connection, batch_id, state=state, reason=reason, limit=limit)
    documents = [views.row_document(row) for row in found_rows]
    return Answer(documents, [table_of(_SHOWN, documents)])


@click.command(cls=PipelineCommand)
@click.argument("phone")
@click.pass_obj
def why(door: Door, phone: str) -> Answer:
    """Say why a number was called or not, and whether it may be called now: what every room knows, newest first.

    Example: calling-pipeline calls why 13800000001
    """
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        found = number_history(connection, runtime.phone_keys, phone, archives=archives_of(runtime))
    called, refused = found["called"], found["refused"]
    lines = [f"{found['phone']}: " + ("never called" if called is None else f"called {called['calls']} times, last at"
             f" {called['last_called_at']:%Y-%m-%d %H:%M}")]  # fmt: skip
    if called is not None and called["imported_calls"]:
        source = called["imported_from"] or "an import"
        last = f"{called['imported_called_at']:%Y-%m-%d %H:%M}"
        lines.append(f"{called['imported_calls']} of them elsewhere, as {source} says; the last at {last}")
    if refused is not None:
        whom = "for this number" if refused["about"] == "person" else "for our account"
        lines.append(f"refused {whom} at {refused['refused_at']:%Y-%m-%d %H:%M} in batch {refused['batch_id']},"
                     f" code {refused['code'] or 'none'}")  # fmt: skip
    redial = found["redial"]
    if redial is not None:
        until = f", not before {redial['free_at']:%Y-%m-%d %H:%M}" if redial["free_at"] else ""
        rule = f" ({redial['said']}{until})" if redial["rule"] else ""
        lines.append(f"redial by {redial['task']}{rule}: {redial['reason_said'] or 'its rule allows it now'}")
    for policy in found["policies"]:
        when = f", not before {policy['not_before']:%Y-%m-%d %H:%M}" if policy["not_before"] else ""
        by = f" by {', '.join(policy['tasks'])}" if policy["tasks"] else ""
        lines.append(
            f"may be called now{by}" if policy["allowed"] else f"may not be called now{by}: {policy['reason']}{when}"
        )
    rows = [
        (f"{event['at']:%Y-%m-%d %H:%M:%S}", event["kind"], event["state"], event["batch_id"], event["text"])
        for event in found["timeline"]
    ]
    return Answer(found, [*lines, table(("at", "kind", "state", "batch_id", "text"), rows)])
