"""What doors render of what has not happened: previews and scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


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
