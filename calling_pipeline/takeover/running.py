"""Taking over an old system: part by part, in chunks that are committed together with what became of their rows.

Nothing is called and nothing sent. A takeover that was cut off goes on where it was when it is asked for again; one that is
done takes nothing the second time. A dry run does the same and takes everything back but its report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.errors import Busy, CallingError, InvalidInput
from calling_pipeline.masking import mask_digits
from calling_pipeline.runtime import Runtime
from calling_pipeline.takeover import mapping, store
from calling_pipeline.takeover.job import Job, Work
from calling_pipeline.takeover.parts import catalogue
from calling_pipeline.takeover.records import PARTS, Counts, Part, Takeover
from calling_pipeline.takeover.sources.opening import open_source

CHUNK = 2000
"""Rows that are taken and committed at once."""
Progress = Callable[[Part, int], None]
Step = Callable[[], AbstractContextManager[sa.Connection]]
"""A transaction of its own, or in a dry run a savepoint."""


def take_over(
    runtime: Runtime,
    given: str,
    *,
    mapping_file: Path | None = None,
    only: Sequence[Part] = (),
    dry_run: bool = False,
    by: str,
    reason: str = "",
    progress: Progress = lambda part, rows: None,
) -> Takeover:
    """Take `given` over: a database URL or a folder. Parts of which the source has nothing are done at once.

    Raises `InvalidInput` and `ConfigurationError` for a source or a mapping that cannot be used, `Busy` while another
    process takes over.
    """
    source = open_source(given)
    lock = SessionLock(runtime.direct_url, "takeover")
    try:
        if not lock.take():
            raise Busy("another process is taking over an old system; wait for its end")
        tables = dict(source.tables())
        job = Job(runtime, source, mapping.load(mapping_file), by, reason, dry_run, tables)
        _require_something(job)
        parts = [part for part in PARTS if not only or part in only]
        return _dry_run(job, parts, progress) if dry_run else _for_good(job, parts, progress)
    finally:
        lock.free()
        source.close()


def _require_something(job: Job) -> None:
    """Raise `InvalidInput` when nothing of the source fits the mapping: a report of zeros would look like success."""
    sections = [name for name, lists in job.mapped.sections.items() if "tables" in lists]
    files = [path for name in job.mapped.sections["files"] for path in job.source.files(job.mapped.words("files", name))]
    if not files and not any(job.section(name) for name in sections):
        named = ", ".join(list(job.tables)[:20]) or "nothing"
        raise InvalidInput(
            f"no table of {job.source.name} is one that the mapping names; there are: {named}."
            " `calling-pipeline takeover mapping` shows the mapping, --mapping FILE changes it"
        )


def _for_good(job: Job, parts: list[Part], progress: Progress) -> Takeover:
    runtime = job.runtime
    with runtime.transaction() as connection:
        takeover_id = store.unfinished(connection, source=job.source.name, mapping=job.mapped.digest)
        if takeover_id is None:
            takeover_id = _begin(connection, job, parts, dry_run=False)
        else:
            store.go_on(connection, takeover_id)
            store.add_parts(connection, takeover_id, parts)
    try:
        for part in parts:
            _take_part(job, takeover_id, catalogue.WORKS[part], runtime.transaction, progress)
    except (CallingError, SQLAlchemyError, OSError) as error:
        with runtime.transaction() as connection:
            said = str(error) if isinstance(error, CallingError) else type(error).__name__
            store.end(connection, takeover_id, "failed", days.now(), error=mask_digits(said))
        raise
    with runtime.transaction() as connection:
        return _end(connection, job, takeover_id)


def _dry_run(job: Job, parts: list[Part], progress: Progress) -> Takeover:
    """Everything in one transaction that is rolled back; then only the report is kept."""
    with job.runtime.engine.connect() as connection, connection.begin() as whole:

        @contextmanager
        def step() -> Iterator[sa.Connection]:
            with connection.begin_nested():
                yield connection

        takeover_id = _begin(connection, job, parts, dry_run=True)
        for part in parts:
            _take_part(job, takeover_id, catalogue.WORKS[part], step, progress)
        report = store.find(connection, takeover_id)
        whole.rollback()
    with job.runtime.transaction() as connection:
        kept = _begin(connection, job, parts, dry_run=True)
        for one in report.parts:
            store.keep_report(connection, kept, one)
        return _end(connection, job, kept)


def _take_part(job: Job, takeover_id: int, work: Work, step: Step, progress: Progress) -> None:
    """One part: what was taken of it before stays; rows, counts and place are committed together."""
    with step() as connection:
        state, places, counts = store.progress(connection, takeover_id, work.part)
    if state == "done":
        return
    if work.take is not None:
        for name in work.sections:
            _take_section(job, takeover_id, work, name, step, places, counts, progress)
    with step() as connection:
        if work.whole is not None:
            work.whole(job, connection, counts)
        if work.look is not None:
            work.look(job, connection, counts)
        _require_sum(work.part, counts)
        store.keep(connection, takeover_id, work.part, counts, places=places, now=days.now(), done=True)
    progress(work.part, counts.rows_read)


def _take_section(
    job: Job,
    takeover_id: int,
    work: Work,
    name: str,
    step: Step,
    places: dict[str, int],
    counts: Counts,
    progress: Progress,
) -> None:
    found = job.section(name)
    if found is None or work.take is None:
        return
    table, section = found
    rows = job.source.rows(table, skip=places.get(table, 0))
    while chunk := list(islice(rows, CHUNK)):
        with step() as connection:
            work.take(job, connection, section, chunk, counts)
            _require_sum(work.part, counts)
            places[table] = places.get(table, 0) + len(chunk)
            store.keep(connection, takeover_id, work.part, counts, places=places, now=days.now())
        progress(work.part, counts.rows_read)


def _require_sum(part: Part, counts: Counts) -> None:
    if not counts.adds_up:
        raise CallingError(f"the takeover of {part} does not add up: {counts.rows_read} rows were read")


def _begin(connection: sa.Connection, job: Job, parts: list[Part], *, dry_run: bool) -> int:
    return store.begin(
        connection,
        source=job.source.name,
        mapping=job.mapped.digest,
        dry_run=dry_run,
        by=job.by,
        parts=parts,
        now=days.now(),
    )


def _end(connection: sa.Connection, job: Job, takeover_id: int) -> Takeover:
    store.end(connection, takeover_id, "done", days.now())
    done = store.find(connection, takeover_id)
    after = {"source": done.source, "dry_run": done.dry_run, "taken": {part.part: part.taken for part in done.parts}}
    note_act(connection, "takeover.take", f"takeover:{takeover_id}", by=job.by, reason=job.reason, after=after)
    return done
