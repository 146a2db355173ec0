"""What a probe asks and finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HOST = "127.0.0.1"
ANSWER_S = 4.0
"""How long a role may take to answer: less than the five seconds that the deployments give a probe."""
SILENT_S = 120.0
"""A daemon says that it lives every half minute; longer silence of one of them means that it hangs."""
PROGRAM_OF_WORKERS = "calling_pipeline.defs.instance.celery.worker"
"""The module that a worker of Celery runs."""
Question = Literal["live", "ready"]


@dataclass(frozen=True)
class Health:
    """What was found of one role: `well` answers the question, `said` is one sentence."""

    role: str
    question: Question
    well: bool
    said: str
