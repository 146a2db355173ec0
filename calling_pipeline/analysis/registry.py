"""Every analysis by its name. All doors read this one list, so that what one shows all show.

An analysis is a function of (connection, question) in a folder of its own; the folder exports `ENTRIES`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline.access.people.records import Language, Room
from calling_pipeline.analysis.records import Analysis
from calling_pipeline.charts.records import Bars, Heat, Lines

Drawing = Lines | Bars | Heat


@dataclass(frozen=True)
class Question:
    """What is asked: the days from `first` to `last`, one tenant or all, names of agents, and options of the analysis."""

    first: dt.date
    last: dt.date
    tenant_id: int | None = None
    agent_names: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One analysis. `room` decides who may ask; `options` names what it takes beside days and tenant.

    `longest_days`: the widest range it answers. `choices`: the values of an option that has few, its usual one first; an
    option without is free text, empty where it was not given. `charts` draws what was found, in a language.
    """

    name: str
    room: Room
    compute: Callable[[sa.Connection, Question], Analysis]
    options: tuple[str, ...] = ()
    longest_days: int = 400
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    charts: Callable[[Analysis, Language], Sequence[Drawing]] | None = None
