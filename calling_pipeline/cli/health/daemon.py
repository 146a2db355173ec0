"""Dagster's daemon as its database shows it: it listens on no port."""

from __future__ import annotations

from calling_pipeline.analysis.dagster_storage.store import DAEMONS, daemon_is_there, dagster_state
from calling_pipeline.cli.health.records import SILENT_S, Question
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.runtime import Runtime


def daemon(question: Question) -> tuple[bool, str]:
    """Whether a daemon lives: it holds the lock of the instance. Ready is one whose parts have all been heard of lately.

    Without the database nothing is known of it: it counts as live then, for it waits for the database as everybody does.
    """
    runtime = Runtime.load()
    url = runtime.existing_dagster_url
    try:
        there = daemon_is_there(url)
    except DatabaseUnavailable as error:
        return question == "live", f"nothing is known of the daemon: {error}"
    if not there:
        return False, "no daemon works on this instance"
    if question == "live":
        return True, "a daemon works on this instance"
    state = dagster_state(url, [])
    ages = {beat.daemon: beat.age_s for beat in state.heartbeats}
    silent = [name.lower() for name in DAEMONS if ages.get(name, SILENT_S + 1) > SILENT_S]
    if silent:
        return False, f"the daemon is there, but silent are {', '.join(silent)}"
    return True, f"the daemon works, seen {max(ages.values()):.0f} s ago"
