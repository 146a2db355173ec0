"""What a restored system waits for, and how it went on, as documents."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from calling_pipeline.backups.going_on import Subject, WentOn
from calling_pipeline.outgoing.records import Hold


def waiting_document(waiting: Mapping[Subject, Hold]) -> dict[str, Any]:
    """Subject → since when it is not known what happened, and why it is held back; empty when nothing waits."""
    return {subject: {"since": hold.since.isoformat(), "reason": hold.reason} for subject, hold in waiting.items()}


def went_on_document(done: WentOn) -> dict[str, Any]:
    """The acts that go on, what became of the list of numbers, and how many messages are unknown now."""
    called = dataclasses.asdict(done.called) if done.called else None
    return {"acts": done.acts, "called_since": called, "unknown": done.unknown}
