"""What somebody may do with a case as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from smr_engine.engine import commands as c
from smr_engine.engine import policy
from smr_engine.engine.state import Case
from smr_engine.engine.statuses import CLOSED_CASES, ClockStatus
from smr_engine.errors import SmrError
from smr_engine.playbook.model import Playbook
from smr_engine.services import directory, versions
from smr_engine.services.transact import Order, foresee
from smr_engine.services.workspace import Actor, Workspace


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

    Whoever owns it may do all of it: the engine asks the same of each of these commands.

    Raises:
        NotFound: there is none.
    """
    with ws.storage.reading() as unit:
        case = unit.cases.load(ref)
        playbook = versions.pinned(ws, unit, case.header.digest)
        world = directory.world(ws, unit)
    note = _may_note(ws, actor, ref)
    owns = policy.owns(world, playbook, actor.id, ws.clock.now()).may
    if case.header.status in CLOSED_CASES or not owns:
        return Acts(note=note)
    return _steering(case, playbook, note=note)


def _may_note(ws: Workspace, actor: Actor, ref: str) -> bool:
    """Return whether a remark would be taken: tried, not kept."""
    try:
        foresee(ws, Order(ref, c.WriteNote("tried"), actor))
    except SmrError:
        return False
    return True


def _steering(case: Case, playbook: Playbook, *, note: bool) -> Acts:
    header, scale = case.header, playbook.severity
    levels = scale.levels if scale else ()
    clocks = header.clocks.items()
    return Acts(
        note=note,
        cancel=True,
        severities=tuple(level for level in levels if level != header.severity),
        scale=scale.title if scale else "",
        clocks=tuple(name for name, each in clocks if each.status is ClockStatus.RUNNING),
        signals=tuple(dict.fromkeys(header.waits.values())),
    )
