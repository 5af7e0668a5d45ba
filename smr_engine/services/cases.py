"""Cases: opening, stopping, signals, notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from smr_engine.engine import commands as c
from smr_engine.engine import forms
from smr_engine.engine.decide import open_case
from smr_engine.engine.run import Situation
from smr_engine.engine.state import Case
from smr_engine.errors import Invalid
from smr_engine.playbook.model import Playbook
from smr_engine.services import directory, library, versions
from smr_engine.services.reading import case_view
from smr_engine.services.rescoring import moves
from smr_engine.services.storing import KeyTaken, UnitOfWork
from smr_engine.services.transact import (
    Order,
    apply,
    apply_in,
    carry_out,
    envelope_of,
    foresee,
    require_same,
)
from smr_engine.services.views import CaseView, Rescored, Started
from smr_engine.services.workspace import Actor, Workspace


@dataclass(frozen=True, slots=True)
class Opening:
    """What a case is opened with, besides its playbook and inputs.

    `exact`: what was opened under the key before has to have been asked for in the same words.
    """

    severity: str | None = None
    drill: bool = False
    key: str = ""
    exact: bool = False
    parent: str = ""
    effect: str = ""  # of the parent: it opens this case, and notes it in the same transaction
    schedule: str = ""
    due: datetime | None = None
    documents: tuple[c.HandedOver, ...] = ()


def start(
    ws: Workspace,
    actor: Actor,
    playbook: str,
    inputs: Mapping[str, Any],
    opening: Opening = Opening(),
) -> Started:
    """Open a case from a playbook of the library; durable when it returns.

    Args:
        ws: the workspace.
        actor: who opens it.
        playbook: its name in the library.
        inputs: what the playbook asks for.
        opening: severity, drill, idempotency key (a case opened under it before is returned).

    Raises:
        NotFound: no such playbook.
        Invalid: the playbook has errors, or the inputs do not fit; `key-reused`: the key is that
            of another playbook's case, or see `Opening`.
        Refusal: the actor may not.
    """
    if opening.exact and opening.key:
        _require_same(ws, playbook, inputs, opening)
    found = library.startable(ws, playbook)
    pins = {name: other.digest for name, (other, _) in found.items() if name != playbook}
    try:
        view = _open(ws, actor, _Pinned(found[playbook][0], pins, found), inputs, opening)
    except KeyTaken:
        view = _known(ws, opening.key)
    if view.playbook != playbook:  # what was asked for would never open, and nobody would know
        message = f"this key belongs to {view.case}, a case of {view.playbook}; nothing was opened"
        raise Invalid("key-reused", message, hint="take a new key for a new case")
    return view


def open_pinned(
    ws: Workspace, actor: Actor, digest: str, inputs: Mapping[str, Any], opening: Opening
) -> Started:
    """Open a child case from the version its parent pinned, and note it in the parent.

    Both in one transaction, so that whatever stops the parent knows of the child: idempotent under
    `opening.key`.

    Raises:
        SmrError: the inputs do not fit, or the parent no longer wants it; nothing has happened.
    """
    with ws.storage.reading() as unit:
        playbook = versions.pinned(ws, unit, digest)
        pins = unit.cases.load(opening.parent).header.pins
    try:
        return _open(ws, actor, _Pinned(playbook, pins, {}), inputs, opening)
    except KeyTaken:
        return _known(ws, opening.key)


def cancel(ws: Workspace, actor: Actor, case: str, reason: str) -> CaseView:
    """Stop a case and all its children; nothing that was published is retracted."""
    apply(ws, Order(case, c.CancelCase(reason), actor))
    return case_view(ws, case, _reader(actor))


def note(ws: Workspace, actor: Actor, case: str, text: str) -> None:
    """Write a remark into a case's history."""
    apply(ws, Order(case, c.WriteNote(text), actor))


def signal(
    ws: Workspace, actor: Actor, case: str, name: str, *, key: str, payload: Mapping[str, Any]
) -> CaseView:
    """Deliver a signal to the steps of a case that wait for it."""
    apply(ws, Order(case, c.Signal(name, key, payload), actor))
    return case_view(ws, case, _reader(actor))


def meet_clock(ws: Workspace, actor: Actor, case: str, clock: str, note: str = "") -> CaseView:
    """Say that what a clock asks for was done."""
    apply(ws, Order(case, c.MeetClock(clock, note), actor))
    return case_view(ws, case, _reader(actor))


def rescore(
    ws: Workspace, actor: Actor, case: str, level: str, reason: str, *, dry_run: bool = False
) -> Rescored:
    """Give a case another severity; what is open moves with it.

    Args:
        ws: the workspace.
        actor: who scores it.
        case: its reference.
        level: one of the playbook's.
        reason: why.
        dry_run: only say what would move; nothing changes.
    """
    order = Order(case, c.Rescore(level, reason), actor)
    if dry_run:
        return Rescored(case, level, list(moves(foresee(ws, order))))
    with ws.storage.writing() as unit:
        applied = carry_out(ws, unit, order)
        unit.keep()
    if applied.owes:
        ws.waker.wake()
    return Rescored(case, level, list(moves(applied.events)))


def input_schema(ws: Workspace, playbook: str) -> dict[str, Any]:
    """Return the JSON Schema of what a playbook asks for at the start."""
    return dict(library.read(ws, playbook)[0].inputs)


def _reader(actor: Actor) -> str | None:
    return actor.id if actor.is_person else None


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A playbook with the digests of all that it opens; `sources` are to be registered."""

    playbook: Playbook
    pins: Mapping[str, str]
    sources: Mapping[str, tuple[Playbook, bytes]]


def _open(
    ws: Workspace, actor: Actor, pinned: _Pinned, inputs: Mapping[str, Any], opening: Opening
) -> Started:
    with ws.storage.writing() as unit:
        if opening.key and (known := unit.events.by_key(opening.key)) is not None:
            return _started(unit, known.case)
        versions.register(ws, unit, pinned.sources)
        situation = Situation(directory.world(ws, unit), ws.clock.now(), actor)
        ref = unit.cases.next_reference(pinned.playbook.case_prefix, _year(situation))
        command = c.OpenCase(
            ref=ref,
            inputs=inputs,
            pins=pinned.pins,
            severity=opening.severity,
            drill=opening.drill,
            parent=opening.parent,
            schedule=opening.schedule,
            due=opening.due,
            documents=opening.documents,
        )
        decided = open_case(pinned.playbook, command, situation)
        envelope = envelope_of(situation)
        saved = unit.cases.save(None, decided.case, decided.events, envelope, opening.key)
        if opening.effect:
            noted = c.NoteChild(opening.effect, ref)
            apply_in(ws, unit, Order(opening.parent, noted, c.ENGINE, opening.effect))
        unit.keep()
    versions.remember(ws, pinned.sources)
    if saved.owes:
        ws.waker.wake()
    return _view(decided.case)


def _year(situation: Situation) -> int:
    """Return the year, as the company's default calendar counts it."""
    zone = ZoneInfo(situation.world.calendar(None).timezone)
    return situation.now.astimezone(zone).year


def _require_same(
    ws: Workspace, playbook: str, inputs: Mapping[str, Any], opening: Opening
) -> None:
    """Refuse to open a case under the key of one that was asked for otherwise."""
    with ws.storage.reading() as unit:
        known = unit.events.by_key(opening.key)
        if known is None:
            return
        asks = versions.pinned(ws, unit, known.facts["digest"]).inputs
        world = directory.world(ws, unit)
    said = {
        "playbook": playbook,
        "drill": opening.drill,
        "inputs": forms.check_values(asks, inputs, world, "inputs"),
    }
    if opening.severity:
        said["severity"] = opening.severity
    require_same(known, said)


def _known(ws: Workspace, key: str) -> Started:
    with ws.storage.reading() as unit:
        known = unit.events.by_key(key)
        if known is None:
            message = f"the key {key} was taken and is gone"
            raise RuntimeError(message)
        return _started(unit, known.case)


def _started(unit: UnitOfWork, ref: str) -> Started:
    return _view(unit.cases.load(ref))


def _view(case: Case) -> Started:
    header = case.header
    return Started(header.ref, header.playbook, header.version, header.digest, header.status.value)
