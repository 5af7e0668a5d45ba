"""The one way a case changes: a command in, events and rows out, in one transaction or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine.decide import Decided, Need, decide
from smr_engine.engine.events import DecisionRecorded, Event, GlassBroken
from smr_engine.engine.run import Situation
from smr_engine.engine.state import Case
from smr_engine.engine.world import World
from smr_engine.errors import Invalid, Refusal
from smr_engine.services import directory, versions
from smr_engine.services.access import reader_of, require_known
from smr_engine.services.stored import Claim, Envelope, StoredEvent
from smr_engine.services.storing import KeyTaken, UnitOfWork
from smr_engine.services.workspace import Workspace

MAX_LOADS = 12
"""A decision that still asks for scopes after so many rounds is a defect."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command on its way to a case.

    Args:
        case: the case's reference.
        command: what is asked.
        actor: who asks.
        locate: the item, effect or timer it is about, so that its scope is loaded at once.
        key: idempotency key; a command already applied under it changes nothing again.
        said: data of the event that the command gives: what was applied under the key has to have
            said the same.
        claim: the lease an effect was performed under; if it was lost, the report is stale.
    """

    case: str
    command: c.Command
    actor: c.Actor
    locate: str = ""
    key: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """The case after a command, what happened, and whether the conductor has new work."""

    case: Case
    events: tuple[Event, ...] = ()
    owes: bool = False


def apply(ws: Workspace, order: Order) -> Case:
    """Apply a command to a case; durable when it returns.

    Returns:
        The case after it, as far as it was loaded.

    Raises:
        SmrError: refused or not valid; nothing has changed.
    """
    try:
        case, owes = ws.storage.together(lambda unit: apply_in(ws, unit, order))
    except KeyTaken:  # it is committed now, so this finds it
        case, owes = ws.storage.together(lambda unit: apply_in(ws, unit, order))
    if owes:
        ws.waker.wake()
    return case


def apply_in(ws: Workspace, unit: UnitOfWork, order: Order) -> tuple[Case, bool]:
    """Apply a command within a unit of work that the caller commits.

    Returns:
        The case after it, and whether the conductor has new work. Raises as `apply`.
    """
    applied = carry_out(ws, unit, order)
    return applied.case, applied.owes


def foresee(ws: Workspace, order: Order) -> tuple[Event, ...]:
    """Return what a command would bring about; nothing changes. Raises as `apply`."""
    with ws.storage.reading() as unit:
        before = unit.cases.load(order.case, locate=order.locate)
        return _decided(ws, unit, before, order)[1].events


def carry_out(ws: Workspace, unit: UnitOfWork, order: Order) -> Applied:
    """Apply a command as `apply_in` does, and return what happened as well."""
    before = unit.cases.load(order.case, locate=order.locate)
    if order.key and (known := unit.events.by_key(order.key)) is not None:
        require_same(known, order.said)
        return Applied(before)
    command = order.command
    if isinstance(command, c.ReportEffect) and order.claim is not None:
        command = replace(command, stale=not unit.claims.held("effect", order.claim))
    before, decided, situation = _decided(ws, unit, before, replace(order, command=command))
    if not decided.events:
        return Applied(before)
    envelope = envelope_of(situation, decided.events)
    saved = unit.cases.save(before, decided.case, decided.events, envelope, order.key)
    return Applied(decided.case, decided.events, saved.owes)


def require_same(known: StoredEvent, said: Mapping[str, Any]) -> None:
    """Refuse a request that comes under the key of another one.

    Raises:
        Invalid: `key-reused`.
    """
    if any(known.data.get(name, "") != value for name, value in said.items()):  # "" is not kept
        message = "this idempotency key belongs to another request, so nothing was done"
        raise Invalid("key-reused", message, hint="take a new key for a new request")


def _decided(
    ws: Workspace, unit: UnitOfWork, case: Case, order: Order
) -> tuple[Case, Decided, Situation]:
    """Decide a command as of now; return the case with all that had to be loaded for it."""
    playbook = versions.pinned(ws, unit, case.header.digest)
    now = max(ws.clock.now(), case.header.last_at)
    situation = Situation(directory.world(ws, unit), now, order.actor)
    require_known(reader_of(situation), playbook, case, order.locate)
    before, decided = _decide(
        case, unit, lambda known: decide(playbook, known, order.command, situation)
    )
    return before, decided, situation


def envelope_of(situation: Situation, events: tuple[Event, ...] = ()) -> Envelope:
    """Return who acts, for whom, in which roles, at what instant."""
    actor = situation.actor
    votes = [event for event in events if isinstance(event, DecisionRecorded | GlassBroken)]
    return Envelope(
        at=situation.now,
        actor=actor.id,
        on_behalf_of=votes[0].on_behalf_of if votes else "",
        roles=votes[0].roles if votes else situation.world.roles_of(actor.id),
        assurance=actor.assurance,
        door=actor.door,
        os_user=actor.os_user,
    )


def read(ws: Workspace, ref: str, locate: str = "", *, all_scopes: bool = False) -> Case:
    """Return a case as it is now.

    Raises:
        NotFound: there is none.
    """
    with ws.storage.reading() as unit:
        return unit.cases.load(ref, locate=locate, all_scopes=all_scopes)


def case_of(name: str) -> str:
    """Return the case of an item, effect or timer (`CRISIS-2026-0007.12`)."""
    ref, dot, number = name.rpartition(".")
    if not dot and ":" in name:  # the inbox shows it, but nothing opens it as an item
        case, _, clock = name.partition(":")
        met = f"smr clock {case} {clock} --met says that it was met"
        raise Refusal("bad-item-name", f"'{name}' is a clock", hint=met)
    if not dot or not number.isdigit():
        raise Refusal(
            "bad-item-name",
            f"'{name}' is not an item",
            hint="items look like CRISIS-2026-0007.12; see: smr inbox",
        )
    return ref


def known_world(ws: Workspace) -> World:
    """Return the directory as it is now."""
    with ws.storage.reading() as unit:
        return directory.world(ws, unit)


def _decide(
    case: Case, unit: UnitOfWork, ask: Callable[[Case], Decided | Need]
) -> tuple[Case, Decided]:
    """Decide, loading the scopes that the decision asks for."""
    for _ in range(MAX_LOADS):
        answer = ask(case)
        if isinstance(answer, Decided):
            return case, answer
        case = unit.cases.more(case, answer.paths)
    message = f"{case.header.ref} needs scopes that are not there"
    raise RuntimeError(message)
