"""Telling people: one message for each recipient, and nobody twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from smr_engine.engine import commands as c
from smr_engine.engine import messages
from smr_engine.engine.world import World
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Message,
    Recipient,
)
from smr_engine.services.stored import Claim
from smr_engine.services.trying import Job, Try
from smr_engine.services.workspace import Workspace


def recipient(world: World, ref: Mapping[str, str]) -> Recipient:
    """Return somebody to be told, with the addresses the directory has now."""
    kind, name = ref["kind"], ref["id"]
    if kind == "person" and name in world.people:
        person = world.people[name]
        return Recipient(kind, name, person.name, person.email, person.notify)
    outside = {"contact": world.contacts, "vendor": world.vendors}.get(kind, {}).get(name)
    if outside is not None:
        return Recipient(kind, name, outside.name, outside.email)
    return Recipient(kind, name, name, name if kind == "address" else "")


def notify(ws: Workspace, claim: Claim, job: Job) -> Try:
    """Tell everybody who has not been told yet; somebody who cannot be told is not hidden.

    Who has answered meanwhile is not asked any more.
    """
    effect, payload = job.effect, job.effect.payload
    told = list((effect.result or {}).get("told", []))
    refused: list[str] = []
    later: list[str] = []
    for ref in wanted(job):
        name = ref["id"] if ref["kind"] == "person" else f"{ref['kind']}:{ref['id']}"
        if name in told:
            continue
        problem = _tell(ws, job, ref, name)
        if problem is None:
            told.append(name)
        else:
            (refused if isinstance(problem, EffectRefusedError) else later).append(
                f"{name}: {problem}"
            )
    withheld = [r["id"] for r in payload.get("withheld", [])]
    result = {"told": told, **({"withheld": withheld} if withheld else {}), **settled(job, told)}
    if later:
        return Try(c.Outcome.UNAVAILABLE, result, "; ".join(later))
    if refused:
        return Try(c.Outcome.REFUSED, result, "; ".join(refused))
    return Try(c.Outcome.DONE, result)


def wanted(job: Job) -> list[dict[str, str]]:
    """Return to whom the message of a job still goes."""
    scopes = job.case.scopes.values()
    scope = next(scope for scope in scopes if job.effect.id in scope.effects)
    return messages.wanted(scope, job.effect)


def settled(job: Job, told: Collection[str] = ()) -> dict[str, list[str]]:
    """Return for a result who is not told, since what they were to answer is settled."""
    still = wanted(job)
    names = [ref["id"] for ref in job.effect.payload["to"] if ref not in still]
    left_out = [name for name in names if name not in told]
    return {"settled": left_out} if left_out else {}


def _tell(ws: Workspace, job: Job, ref: Mapping[str, str], name: str) -> Exception | None:
    effect, payload = job.effect, job.effect.payload
    item = payload.get("items", {}).get(name, "")
    page = page_of(ws, item or effect.item)
    body = f"{payload['body']}\n\n{_acknowledge(item, page)}" if item else payload["body"]
    message = Message(
        key=f"{effect.key}-{name}",
        case=job.case.header.ref,
        recipient=recipient(job.world, ref),
        subject=payload["subject"],
        body=body,
        drill=job.case.header.drill,
        link=page,
    )
    return _problem(ws, message, effect.timeout_s)


def _acknowledge(item: str, page: str) -> str:
    terminal = f"smr ack {item}"
    if page:
        return f"Please acknowledge here: {page}\nOr in a terminal: {terminal}"
    return f"Please acknowledge with: {terminal}"


def page_of(ws: Workspace, item: str = "") -> str:
    """Return the address of an item's page, else of the inbox; empty where there are no pages."""
    pages = ws.options.public_url.rstrip("/")
    return pages and (f"{pages}/items/{item}" if item else f"{pages}/inbox")


def told_of(ws: Workspace, message: Message, timeout_s: float) -> Try:
    """Send one person a message, and return how that went."""
    problem = _problem(ws, message, timeout_s)
    if problem is None:
        return Try(c.Outcome.DONE, {"told": [message.recipient.id]})
    refused = isinstance(problem, EffectRefusedError)
    outcome = c.Outcome.REFUSED if refused else c.Outcome.UNAVAILABLE
    return Try(outcome, {"told": []}, f"{message.recipient.id}: {problem}")


def _problem(ws: Workspace, message: Message, timeout_s: float) -> Exception | None:
    try:
        ws.notifier.send(message, timeout_s)
    except (EffectRefusedError, EffectUnavailableError, EffectAmbiguousError) as problem:
        return problem
    return None
