"""What doors render of what has not happened: previews and scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from smr_engine.services.names import Names
from smr_engine.services.staging import Posted, Sent
from smr_engine.services.views import EventRow


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One thing that would come.

    Args:
        at: when.
        what: asked, due, reminder, escalation, warning, expiry, clock, wait ends, beat, ...
        step: the path of the step.
        who: those it concerns, by their ids.
        why: in words.
        title: of what is asked, else the step in words.
        local: the same instant on the clocks of those it concerns, ISO 8601 by person.
    """

    at: datetime
    what: str
    step: str
    who: tuple[str, ...]
    why: str
    title: str = ""
    local: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would come of a case if nobody answered.

    Args:
        playbook: its name.
        at: when it would start.
        timezone: the company's, as the playbook's calendar has it.
        severity: as given or computed.
        rows: in order.
        made_up: inputs that nobody gave.
        whole: false if more would come after the last row.
    """

    playbook: str
    at: datetime
    timezone: str
    severity: str | None
    rows: tuple[PreviewRow, ...]
    made_up: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a scenario failed: at a line of it, what was said there, and what happened instead."""

    line: int
    expected: str
    instead: str


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """How one scenario went.

    Args:
        file: its file.
        scenario: its title.
        playbook: what it rehearses.
        ok: whether everything held.
        failures: what did not.
        status: of the case at the end.
        outcome: of the case.
        started: virtual instant of the start.
        ended: virtual instant of the last look.
        about: what it shows, as its author says it.
    """

    file: str
    scenario: str
    playbook: str
    ok: bool
    failures: tuple[Failure, ...]
    status: str = ""
    outcome: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """How much of one kind was taken: steps, options, outcomes, rejections, ..."""

    kind: str
    taken: int
    of: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Something that no scenario takes."""

    step: str
    kind: str
    which: str
    line: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the scenarios of one playbook take of it."""

    playbook: str
    percent: float
    kinds: tuple[CoverageRow, ...]
    missed: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """What `smr test` found."""

    ok: bool
    scenarios: tuple[ScenarioResult, ...]
    coverage: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """One rehearsal, to be told.

    Args:
        result: how it went.
        timezone: the company's.
        names: what all is called.
        events: what happened, in order.
        sent: the messages that were caught.
        posted: the publications.
    """

    result: ScenarioResult
    timezone: str
    names: Names
    events: tuple[EventRow, ...]
    sent: tuple[Sent, ...]
    posted: tuple[Posted, ...]
