"""How each part is taken."""

from __future__ import annotations

from collections.abc import Mapping

from calling_pipeline.takeover.job import Work
from calling_pipeline.takeover.parts import communication, do_not_call, history, messages, statistics, tasks, telephony
from calling_pipeline.takeover.records import Part

WORKS: Mapping[Part, Work] = {
    work.part: work
    for work in (
        telephony.CONFIGURATIONS,
        telephony.EXTENSIONS,
        telephony.COLLECTORS,
        do_not_call.WORK,
        history.WORK,
        statistics.WORK,
        tasks.WORK,
        messages.WORK,
        communication.WORK,
    )
}
