"""What people do in a rehearsal: sentences of a scenario as commands to a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine.statuses import DecisionKind, ItemKind, ItemStatus
from smr_engine.playbook.model import DecisionStep, DraftStep
from smr_engine.services import willing
from smr_engine.services.scenario import Act
from smr_engine.services.willing import Asked

ITEMS: Mapping[str, tuple[ItemKind, ...]] = {
    "completes": (ItemKind.TASK, ItemKind.PUBLISH),
    "writes": (ItemKind.DRAFT,),
    "edits": (ItemKind.DRAFT,),
    "decides": (ItemKind.DECISION,),
    "approves": (ItemKind.APPROVAL,),
    "requests_changes": (ItemKind.APPROVAL,),
    "rejects": (ItemKind.APPROVAL,),
    "recuses": (ItemKind.APPROVAL,),
    "acknowledges": (ItemKind.ACKNOWLEDGEMENT,),
    "repairs": (ItemKind.REPAIR,),
    "breaks_glass": (ItemKind.APPROVAL,),
}
DECISIONS = {
    "approves": DecisionKind.APPROVE,
    "requests_changes": DecisionKind.REQUEST_CHANGES,
    "rejects": DecisionKind.REJECT,
    "recuses": DecisionKind.RECUSE,
}
EDITED = "\n\n(Edited once more.)\n"


def fits(act: Act, person: str, asked: Asked) -> bool:
    """Return whether a sentence can be about an item."""
    item = asked.item
    if item.kind not in ITEMS.get(act.verb, ()):
        return False
    if act.verb != "edits" and item.status is not ItemStatus.OPEN:
        return False
    if item.kind is ItemKind.ACKNOWLEDGEMENT and person not in item.offered:
        return False
    return names(act.about, asked.playbook.name, item.path)


def names(about: str, playbook: str, path: str) -> bool:
    """Return whether a name means the step at a path: its id, the end of its path, or all of it.

    A step of a foreach or a repeat is meant in every element and round where no path is given;
    the name of a playbook before it says whose step is meant.
    """
    return f"/{playbook}/{path}".endswith(f"/{about.removeprefix(f'{playbook}/')}")


def commands(act: Act, person: str, asked: Asked) -> list[c.Command]:
    """Return what somebody does to an item."""
    item = asked.item
    if act.verb in DECISIONS:
        return [c.Decide(item.id, DECISIONS[act.verb], act.get("because"))]
    if act.verb == "repairs":
        answer = c.RepairAnswer(act.get("answer"))
        return [c.Repair(item.id, answer, act.get("because"), act.get("url"))]
    if act.verb == "breaks_glass":
        return [c.BreakGlass(item.id, act.get("because"))]
    if act.verb in {"writes", "edits"}:
        return _text(act, asked)
    given = _answers(act, asked) if act.verb == "decides" else act.get("with", {})
    return willing.commands(asked, person, given)


def free_command(act: Act) -> c.Command:
    """Return what somebody does that nobody asked for."""
    return _FREE[act.verb](act)


def _text(act: Act, asked: Asked) -> list[c.Command]:
    step, item = asked.step, asked.item
    now = willing.text_of(asked, step) if isinstance(step, DraftStep) else ""
    if act.verb == "edits":
        return [c.ReviseDocument(item.id, act.get("text") or now + EDITED)]
    text = act.get("text") or now
    done = c.ReviseDocument(item.id, text, done=True, override=act.get("because"))
    return [*willing.evidence(asked), done]


def _answers(act: Act, asked: Asked) -> dict[str, Any]:
    answer, step = act.get("answer"), asked.step
    if isinstance(answer, Mapping):
        return dict(answer)
    choice = isinstance(step, DecisionStep) and step.choices
    return {"choice" if choice else step.id: answer}


_FREE: Mapping[str, Callable[[Act], c.Command]] = {
    "signals": lambda act: c.Signal(act.about, act.get("key"), act.get("with", {})),
    "meets": lambda act: c.MeetClock(act.about, act.get("because")),
    "scores": lambda act: c.Rescore(act.about, act.get("because")),
    "notes": lambda act: c.WriteNote(act.about),
    "cancels": lambda act: c.CancelCase(act.get("because")),
}
