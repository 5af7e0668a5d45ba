"""What somebody may do with a case: tried on the case as it is, not kept (see `item_acts`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smr_engine.engine import commands as c
from smr_engine.engine.statuses import CLOSED_CASES, ClockStatus
from smr_engine.errors import SmrError
from smr_engine.services import versions
from smr_engine.services.transact import Order, foresee
from smr_engine.services.workspace import Actor, Workspace

_TRIED = "tried"


@dataclass(frozen=True, slots=True)
class Acts:
    """What may be done with a case as of now.

    Args:
        note: write a remark.
        cancel: stop it.
        severities: the levels that it may be given, the worst first; with `scale`, their name.
        clocks: those that may be said to be met.
        signals: those that it waits for, each with the key that is waited for.
    """

    note: bool = False
    cancel: bool = False
    severities: tuple[str, ...] = ()
    scale: str = ""
    clocks: tuple[str, ...] = ()
    signals: tuple[tuple[str, str], ...] = ()


def possible(ws: Workspace, actor: Actor, ref: str) -> Acts:
    """Return what an actor may do with a case that they see.

    Raises:
        NotFound: there is none.
    """
    with ws.storage.reading() as unit:
        header = unit.cases.load(ref).header
        scale = versions.pinned(ws, unit, header.digest).severity

    def accepted(command: c.Command) -> bool:
        try:
            foresee(ws, Order(ref, command, actor))
        except SmrError:
            return False
        return True

    note = accepted(c.WriteNote(_TRIED))
    if header.status in CLOSED_CASES or not accepted(c.CancelCase(_TRIED)):
        return Acts(note=note)
    levels: Sequence[str] = scale.levels if scale else ()
    running = (name for name, each in header.clocks.items() if each.status is ClockStatus.RUNNING)
    return Acts(
        note=note,
        cancel=True,
        severities=tuple(
            level
            for level in levels
            if level != header.severity and accepted(c.Rescore(level, _TRIED))
        ),
        scale=scale.title if scale else "",
        clocks=tuple(name for name in running if accepted(c.MeetClock(name, _TRIED))),
        signals=tuple(
            wait for wait in dict.fromkeys(header.waits.values()) if accepted(c.Signal(*wait))
        ),
    )
