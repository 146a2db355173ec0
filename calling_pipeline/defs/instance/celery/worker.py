"""A worker: it executes runs of its centre, each in a process of its own. `python -m …celery.worker N [without-files]`.

The definitions are imported once, before the processes are forked: a run begins at once, and a worker that is to see new
code is started anew.
"""

from __future__ import annotations

import logging
import os
import sys

from celery import Celery
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task

from calling_pipeline.defs.instance.celery.broker import address, configuration
from calling_pipeline.defs.instance.celery.presence import Presence
from calling_pipeline.defs.instance.celery.queues import queues
from calling_pipeline.settings import Settings, load

_CODE = "calling_pipeline.definitions"
_QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
"""A broker in PostgreSQL carries orders only."""


def application(settings: Settings) -> Celery:
    """The application with the one task that executes a run."""
    main = queues(settings.centre, files=False)[0]
    source = {**configuration(settings), "task_default_queue": main}
    made: Celery = make_app(  # type: ignore[no-untyped-call]
        {"broker": address(settings), "config_source": source, "include": [_CODE]}
    )
    create_execute_job_task(made)
    made.steps["consumer"].add(Presence)
    return made


def work(settings: Settings, *, concurrency: int, files: bool) -> None:
    """Take runs until SIGTERM or SIGINT, and then end when those under way have ended. Without `files`: see `queues.py`."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # which says of each of its parts that it is there
    wanted = ",".join(queues(settings.centre, files=files))
    name = f"{settings.centre or 'calling'}-{os.getpid()}@%h"
    arguments = ["-Q", wanted, "-c", str(concurrency), "-n", name, "-l", "INFO", *_QUIET]
    application(settings).worker_main(["worker", *arguments])


if __name__ == "__main__":
    work(load(), concurrency=int(sys.argv[1]), files="without-files" not in sys.argv[2:])
