"""Which queue a run waits in: one for each centre, and one beside it for runs that need files of one host.

Contract ledgers, recordings, large exports and Dagster's own logs lie on a disk. Workers on other hosts take everything
else; those with the disk, or with a shared one at the same path, take both.
"""

from __future__ import annotations

import dagster as dg

from calling_pipeline.centres import named
from calling_pipeline.defs.naming import centre_of_run

QUEUE, FILES = "calling", "files"
FILES_JOBS = frozenset(
    {
        "contract_notifications_generate",  # reads the ledgers of CALLING_CONTRACT_LEDGERS
        "notifications_deliver",  # writes Y into them
        "recordings_fetch",  # CALLING_RECORDINGS_DIR
        "call_records_export",  # CALLING_HOME/exports
        "housekeeping",  # deletes old recordings, exports and logs
    }
)
FILES_ASSETS = frozenset({"contract_notifications"})


def queues(centre: str, *, files: bool) -> list[str]:
    """The queues of a worker of the centre, with or without the files."""
    own = named(centre, QUEUE)
    return [own, f"{own}.{FILES}"] if files else [own]


def queue_of(run: dg.DagsterRun | None) -> str:
    """The queue of a run; of none, the queue of an installation without centres."""
    if run is None:
        return QUEUE
    return queues(centre_of_run(run), files=needs_files(run))[-1]


def needs_files(run: dg.DagsterRun) -> bool:
    """Whether it must execute where the files are."""
    job = run.job_name.removeprefix(named(centre_of_run(run), ""))
    keys = {*(run.asset_selection or ()), *(check.asset_key for check in run.asset_check_selection or ())}
    return job in FILES_JOBS or any(key.path[-1] in FILES_ASSETS for key in keys)
