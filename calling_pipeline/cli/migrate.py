"""`calling-pipeline migrate`: bring the database to the newest schema."""

from __future__ import annotations

import click

from calling_pipeline.access.migrated import after_migration
from calling_pipeline.call_stats.older_hashes.forward import bring_forward
from calling_pipeline.cli.machine.environment import migrate_dagster
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user
from calling_pipeline.database import migrate as migrations


@click.command(cls=PipelineCommand)
@click.option("--back-to", metavar="REVISION", help="Go back to an earlier schema, for a return to the version before.")
@click.option("--without-dagster", is_flag=True, help="Leave Dagster's own database as it is.")
@click.pass_obj
def migrate(door: Door, back_to: str | None, without_dagster: bool) -> Answer:
    """Bring the database and Dagster's own to their newest schema, or the database back to an earlier one."""
    runtime = door.founding_runtime
    if back_to is not None:
        by = acting_user()
        before, after = migrations.downgrade(runtime.engine, back_to)
        with runtime.transaction() as connection:
            after_migration(connection, before, after, by=by)
        return Answer({"before": before, "after": after}, [f"went back from {before} to {after}"])
    before, after = runtime.migrate()
    with runtime.transaction() as connection:
        after_migration(connection, before, after, by=acting_user())
    said = (
        f"the schema is at {after} already"
        if before == after
        else f"migrated from {before or 'an empty database'} to {after}"
    )
    forward = bring_forward(runtime.engine, runtime.phone_key)
    days = [day.isoformat() for day in forward.days]
    lines = [said] if without_dagster else [said, migrate_dagster(runtime)]
    if forward.rows:
        lines.append(f"{forward.rows} call records have their phone hashed in the present form now")
    if days:
        lines.append(
            f"{len(days)} days ({days[0]} to {days[-1]}) hold phones that an older version hashed in another form. The"
            " syncs read the last ten days again by themselves; read earlier ones again with"
            " `calling-pipeline stats sync --track grade --from DAY --to DAY`"
        )
    document = {"before": before, "after": after, "phones_rehashed": forward.rows, "days_to_read_again": days}
    return Answer(document, lines)
