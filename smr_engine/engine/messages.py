"""Messages of ours: to whom, in whose time, and not while somebody sleeps.

Everybody reads times in their own zone, so people whose clocks differ get messages of their own.
What comes up in somebody's quiet hours waits for their end, unless the severity overrides them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from smr_engine.engine import deadlines, policy
from smr_engine.engine.run import Run
from smr_engine.engine.state import Effect, Item, Scope
from smr_engine.engine.statuses import EffectKind, EffectStatus, ItemKind, ItemStatus
from smr_engine.engine.wording import Reader, Words

APART = timedelta(minutes=5)
"""No two reminders of one item reach one person within so long."""

Asked = Mapping[str, tuple[str, ...]]
"""People, each with the names of those who are away and whom they are asked for."""


@dataclass(frozen=True, slots=True)
class Message:
    """What some people are told in the same words at the same time."""

    payload: dict[str, Any]
    not_before: datetime | None


def composed(run: Run, people: Asked, words: Words) -> list[Message]:
    """Return a message for all who read the same words at the same time."""
    groups: dict[tuple[str, str, datetime | None], list[str]] = {}
    for person, absent in people.items():
        subject, body = words.compose(reader(run, person, absent))
        groups.setdefault((subject, body, quiet_until(run, person)), []).append(person)
    return [
        Message(
            {
                "to": [{"kind": "person", "id": person} for person in told],
                "subject": subject,
                "body": body,
                "asks": words.asks,
            },
            not_before,
        )
        for (subject, body, not_before), told in groups.items()
    ]


def to_each(run: Run, people: Asked, words: Words) -> dict[str, Message]:
    """Return a message of their own for each of these people."""
    return {p: composed(run, {p: absent}, words)[0] for p, absent in people.items()}


def reader(run: Run, person: str, absent: tuple[str, ...] = ()) -> Reader:
    """Return for whom words are composed; somebody unknown reads UTC."""
    known = run.world.people.get(person)
    return Reader(ZoneInfo(known.timezone if known else "UTC"), absent)


def quiet_until(run: Run, person: str) -> datetime | None:
    """Return when a person may be told again; None: now."""
    known, scale = run.world.people.get(person), run.playbook.severity
    if known is None or (scale is not None and run.severity in scale.override_quiet):
        return None
    at = deadlines.quiet_until(known, run.now)
    return at if at > run.now else None


def put_off(run: Run, people: Iterable[str]) -> dict[str, datetime]:
    """Return when those of some people are told who are in their quiet hours now."""
    instants = ((person, quiet_until(run, person)) for person in people)
    return {person: at for person, at in instants if at is not None}


def with_deputies(run: Run, item: Item | None, people: Iterable[str]) -> Asked:
    """Return people asked to answer an item, with the deputies of those who are away.

    An approval asks roles, which name the deputies themselves.
    """
    asked: dict[str, tuple[str, ...]] = dict.fromkeys(people, ())
    if item is None or item.kind is ItemKind.APPROVAL:
        return asked
    found = dict(asked)
    for person in asked:
        for deputy in policy.stand_ins(run.world, person, run.now):
            if deputy not in asked and deputy not in item.excluded and _is_here(run, deputy):
                found[deputy] = (*found.get(deputy, ()), policy.name_of(run.world, person))
    return found


def to_remind(run: Run, item: Item, people: Iterable[str]) -> Asked:
    """Return who is reminded of an item now: nobody who has just been, by whatever rule.

    A reminder that still waits for somebody's quiet hours to end is replaced by a newer one.
    """
    asked = with_deputies(run, item, people)
    return {p: absent for p, absent in asked.items() if not _just_reminded(run, item, p)}


def is_about(effect: Effect, item: Item, people: Collection[str]) -> bool:
    """Return whether an effect tells one of these people something about an item."""
    if effect.item != item.id or effect.payload is None:
        return False
    return effect.payload["to"][0]["id"] in people


def waiting(run: Run, scope: str, item: str) -> list[Effect]:
    """Return what is owed about an item, but not before some later instant."""
    return [
        effect
        for effect in run.scope(scope).effects.values()
        if effect.item == item
        and effect.status is EffectStatus.OWED
        and effect.not_before is not None
        and effect.not_before > run.now
    ]


def unheard(run: Run, scope: str, item: Item) -> set[str]:
    """Return who sleeps since before an item was there: they need not hear that it is gone."""
    told = {EffectKind.NOTIFICATION, EffectKind.ESCALATION}
    asked = [f for f in waiting(run, scope, item.id) if f.kind in told]
    return {ref["id"] for effect in asked for ref in effect.payload["to"]}


def wanted(scope: Scope, effect: Effect) -> list[dict[str, str]]:
    """Return to whom a message still goes: nobody is asked for what is answered by now."""
    to: list[dict[str, str]] = list(effect.payload["to"])
    item = scope.items.get(effect.item)
    if item is None or not effect.payload.get("asks"):
        return to
    voted = {vote.person for vote in item.votes}
    return [ref for ref in to if item.status is ItemStatus.OPEN and ref["id"] not in voted]


def _just_reminded(run: Run, item: Item, person: str) -> bool:
    at = item.reminded.get(person)
    return at is not None and at <= run.now < at + APART


def _is_here(run: Run, person: str) -> bool:
    return not run.world.people[person].is_away(run.world.today(person, run.now))
