"""Notifications: telling people, and asking each to acknowledge."""

from __future__ import annotations

from typing import cast

from smr_engine.engine import events as e
from smr_engine.engine import flow, who, work
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item, Json
from smr_engine.engine.statuses import EffectKind, EffectStatus, ItemKind, StepStatus
from smr_engine.playbook.model import NotifyStep

OUTSIDE = frozenset({"contact", "vendor", "address"})


def start_notify(run: Run, place: Place) -> None:
    """Owe the message and ask for acknowledgements; in a drill nothing goes to outsiders."""
    step = cast(NotifyStep, place.step)
    to = who.recipients(run, place.scope, step.to)
    if not to:
        message = "there is nobody to tell"
        raise StepProblemError(message)
    subject = run.text(place.scope, step.subject) or run.text(place.scope, step.title)
    body = run.text(place.scope, step.body)
    withheld = [r for r in to if run.header.drill and r["kind"] in OUTSIDE]
    told = [r for r in to if r not in withheld]
    work.start(run, place)
    asked = _ask(run, place, to) if step.acknowledge else {}
    payload = {
        "to": told,
        "withheld": withheld,
        "subject": subject,
        "body": body,
        "items": asked,
    }
    effect = work.owe(run, place, EffectKind.NOTIFICATION, f"notify {step.id}", payload)
    if not told:
        run.emit(
            e.EffectDone(
                scope=place.scope,
                path=place.path,
                effect=effect,
                result={"told": [], "withheld": names_of(withheld)},
            )
        )
        _complete_if_told(run, place)


def told_all(run: Run, place: Place) -> None:
    """Go on after the messages are out; with `wait` once everybody asked has acknowledged."""
    _complete_if_told(run, place)
    if run.state(place).status is StepStatus.COMPLETED:
        flow.resume(run, place)


def _complete_if_told(run: Run, place: Place) -> None:
    step = cast(NotifyStep, place.step)
    effect = work.effects_of(run, place, EffectKind.NOTIFICATION)[-1]
    if effect.status is not EffectStatus.DONE or run.state(place).status is not StepStatus.ACTIVE:
        return
    waits = step.acknowledge is not None and step.acknowledge.wait
    if waits and work.open_items_of(run, place):
        return
    work.complete(run, place, "done", _output(run, place, effect.result))


def acknowledge(run: Run, place: Place, item: Item) -> None:
    """Take one acknowledgement."""
    run.emit(
        e.ItemCompleted(
            scope=place.scope,
            path=place.path,
            item=item.id,
            outcome="acknowledged",
            by=run.actor.id,
        )
    )
    if run.state(place).status is StepStatus.ACTIVE:
        told_all(run, place)


def names_of(recipients: list[who.RecipientRef]) -> list[str]:
    """Return recipients as `told` and `acknowledged` list them: people by id, others with kind."""
    return [r["id"] if r["kind"] == "person" else f"{r['kind']}:{r['id']}" for r in recipients]


def _ask(run: Run, place: Place, to: list[who.RecipientRef]) -> dict[str, str]:
    """Open one acknowledgement a recipient; for outsiders the owner records it."""
    asked = {}
    for recipient, name in zip(to, names_of(to), strict=True):
        outside = recipient["kind"] in OUTSIDE
        people = who.owners(run) if outside else (recipient["id"],)
        words = run.text(place.scope, place.step.title)
        title = f"{words} ({_called(run, recipient)})" if outside else words
        asked[name] = work.open_item(
            run,
            place,
            ItemKind.ACKNOWLEDGEMENT,
            people,
            announce=False,
            title=title,
            subject=name,
        )
    return asked


def _called(run: Run, recipient: who.RecipientRef) -> str:
    """Return what the directory calls an outsider; an address is called as it is."""
    register = {"contact": run.world.contacts, "vendor": run.world.vendors}
    known = register.get(recipient["kind"], {}).get(recipient["id"])
    return known.name if known else recipient["id"]


def _output(run: Run, place: Place, result: Json) -> dict[str, list[str]]:
    told = list((result or {}).get("told", []))
    acknowledged = list(run.state(place).detail.get("acknowledged", []))
    return {"told": told, "acknowledged": acknowledged}
