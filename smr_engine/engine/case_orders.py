"""What people say to a case: remarks, signals, clocks that are met, another severity, the end."""

from __future__ import annotations

import shlex

from smr_engine.engine import clocks, closing, flow, policy
from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.answers import require_owner
from smr_engine.engine.paths import scope_chain
from smr_engine.engine.run import Place, Run
from smr_engine.engine.statuses import StepStatus
from smr_engine.engine.steps import other, rescoring
from smr_engine.errors import Invalid, NotFound, Refusal

MOST_NAMED = 10
"""Signals that a refusal names."""


def note(run: Run, command: c.WriteNote) -> None:
    """Write a remark into the history."""
    verdict = policy.may_note(run.world, run.playbook, run.actor.id, run.now)
    if not verdict.may:
        raise Refusal("may-not-act", verdict.why_not, where=run.header.ref)
    if not command.text.strip():
        raise Refusal("empty-note", "a note needs a text", where=run.header.ref)
    run.emit(e.NoteWritten(text=command.text))


def signal(run: Run, command: c.Signal) -> None:
    """Deliver a signal to every wait that listens for it.

    A wait with a key hears only that key: of many creators waited for, one reply answers for one.
    A wait without a key hears every signal of the name.
    """
    if run.actor.is_person:
        require_owner(run)
    heard = {(command.name, ""), (command.name, command.key)}
    waiting = [path for path, wait in run.header.waits.items() if wait in heard]
    places = [_place_at(run, path) for path in waiting]
    run.need([scope for place in places for scope in scope_chain(run.index, place.scope)])
    places = [place for place in places if not other.is_too_late(run, place)]
    if not places:
        keyed = f"with the key '{command.key}'" if command.key else "without a key"
        late = " any more: it came too late" if waiting else ""
        raise Refusal(
            "nobody-waits",
            f"no step of {run.header.ref} waits for the signal '{command.name}' {keyed}{late}",
            hint=f"signals waited for now: {_waited_for(run)}",
        )
    run.after = f"signal {command.name}"
    for place in places:
        if run.alive(place.scope) and run.state(place).status is StepStatus.ACTIVE:
            other.signalled(run, place, command.key, dict(command.payload))
            flow.settle(run)


def _waited_for(run: Run) -> str:
    """Return the names and keys that are waited for, as they are typed."""
    waits = sorted(set(run.header.waits.values()))
    named = [
        shlex.join([name, "--key", key] if key else [name]) for name, key in waits[:MOST_NAMED]
    ]
    more = f" and {len(waits) - MOST_NAMED} more" if len(waits) > MOST_NAMED else ""
    return (", ".join(named) or "none") + more


def meet_clock(run: Run, command: c.MeetClock) -> None:
    """Take the owner's word that a clock was met."""
    if run.actor.is_person:
        require_owner(run)
    clocks.meet(run, command)


def rescore(run: Run, command: c.Rescore) -> None:
    """Score the case again; what is open moves with it."""
    if run.actor.is_person:
        require_owner(run)
    if not command.reason.strip():
        raise Refusal("reason-missing", "say why", hint="--reason TEXT", where=run.header.ref)
    problem = rescoring.why_no_level(run, command.level)
    if problem:
        raise Invalid("unknown-severity", problem, where=run.header.ref)
    if command.level == run.severity:
        message = f"{run.header.ref} is {command.level} already"
        raise Refusal("same-severity", message, where=run.header.ref)
    run.after = f"severity {command.level}"
    rescoring.rescore(run, command.level, command.reason)


def cancel(run: Run, command: c.CancelCase) -> None:
    """Stop the case."""
    if run.actor.is_person:
        require_owner(run)
    if not command.reason.strip():
        raise Refusal("reason-missing", "say why", hint="--reason TEXT", where=run.header.ref)
    run.after = "cancel"
    closing.cancel_case(run, command.reason)


def _place_at(run: Run, path: str) -> Place:
    """Return the place of a step by its full path."""
    step = path.rsplit("/", 1)[-1]
    wanted = len(run.position(step).scopes)
    segments = path.split("/")
    for cut in range(len(segments) - 1, -1, -1):
        scope = "/".join(segments[:cut])
        if len(scope_chain(run.index, scope)) - 1 == wanted and _is_scope(run, scope):
            return run.place(scope, step)
    message = f"no step at {path}"
    raise NotFound("unknown-step", message)


def _is_scope(run: Run, path: str) -> bool:
    return scope_chain(run.index, path)[0] == path
