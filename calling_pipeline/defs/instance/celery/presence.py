"""That a worker takes runs can be seen: it holds a session lock in Dagster's database while its broker gives it orders."""

from __future__ import annotations

import os
from typing import Any

from celery import bootsteps

from calling_pipeline.analysis.dagster_storage.store import worker_lock
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.defs.instance.workers import Heart
from calling_pipeline.runtime import Runtime


class Presence(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """A step of the consumer: Celery starts it last, and stops it when the broker is lost or the worker is to end."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._heart: Heart | None = None

    def start(self, consumer: Any) -> None:
        """Hold the lock from now on, and take it again when the database was away."""
        self._heart = Heart(SessionLock(Runtime.load().existing_dagster_url, *worker_lock(os.getpid())))
        self._heart.start()

    def stop(self, consumer: Any) -> None:
        """Release the lock."""
        heart, self._heart = self._heart, None
        if heart is not None:
            heart.stop()

    shutdown = terminate = stop
