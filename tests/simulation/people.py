"""What the people of a simulation do: somebody takes an item and answers it, well or badly."""

from __future__ import annotations

from typing import Any

from smr_engine.services import items
from smr_engine.services.workspace import Actor
from tests.simulation.office import Office
from tests.simulation.picture import Asked
from tests.simulation.town import PEOPLE

VOTES = ("approve", "approve", "approve", "approve", "request_changes", "reject", "recuse")
REPAIRS = ("retry", "skip", "sent", "not_sent", "retry", "cancel")
SEVEN = len(VOTES)


def item_of(office: Office, pick: int) -> Asked | None:
    """Return one of the open items, None where nothing waits."""
    waiting = office.oracle.open_items()
    return waiting[pick % len(waiting)] if waiting else None


def person_for(office: Office, item: Asked, pick: int) -> str:
    """Return who takes an item: somebody who was asked, who may not, or anybody."""
    if pick % 4 == 3:
        return PEOPLE[pick % len(PEOPLE)]
    if pick % 4 == 2 and item.excluded:
        return sorted(item.excluded)[pick % len(item.excluded)]
    asked = [p for p in item.asked if p not in item.answered and p not in item.excluded]
    return asked[pick % len(asked)] if asked else PEOPLE[pick % len(PEOPLE)]


def do_their_part(office: Office) -> bool:
    """Let the first of those asked answer a few items well; return whether there were any."""
    done = False
    for item in office.oracle.open_items()[:4]:
        asked = [p for p in item.asked if p not in item.answered]
        if item.status == "open" and item.kind != "repair" and asked:
            done |= answer(office, item, asked[0], 0)
    return done


def answer(office: Office, item: Asked, person: str, how: int) -> bool:
    """Let somebody answer an item; return whether it was accepted."""
    do = _ANSWERS.get(item.kind, _complete)
    return do(office, item, person, how)


def _write(office: Office, item: Asked, person: str, how: int) -> bool:
    text = "Far too many words. " * 9 if how == SEVEN - 1 else f"Words {len(office.story)}."
    return office.act(
        f"{person} writes {item.id}",
        lambda: items.revise(office.ws, Actor(person), item.id, text, done=True),
    )


def _vote(office: Office, item: Asked, person: str, how: int) -> bool:
    vote = VOTES[how % SEVEN]
    return office.act(
        f"{person} says {vote} to {item.id}",
        lambda: items.decide(office.ws, Actor(person), item.id, vote, "because"),
    )


def _repair(office: Office, item: Asked, person: str, how: int) -> bool:
    said = REPAIRS[how % len(REPAIRS)]
    if item.effect:  # it may be out already: only the witness knows
        said = "sent" if _is_out(office, item.effect) else "not_sent"
    return office.act(
        f"{person} repairs {item.id}: {said}",
        lambda: items.repair(
            office.ws, Actor(person), item.id, said, "we looked", url="https://here.example.test"
        ),
    )


def _is_out(office: Office, effect: str) -> bool:
    return any(office.oracle.keys[post.key] == effect for post in office.outside.posts)


def _complete(office: Office, item: Asked, person: str, how: int) -> bool:
    if item.step == "thank":
        office.act(
            f"{person} attaches to {item.id}",
            lambda: items.attach(office.ws, Actor(person), item.id, "a.txt", b"seen"),
        )
    values = _values(item, how)
    return office.act(
        f"{person} completes {item.id} {values}",
        lambda: items.complete(office.ws, Actor(person), item.id, values),
    )


def _values(item: Asked, how: int) -> dict[str, Any]:
    if item.kind == "publish":
        return {"url": "https://wiki.example.test/talk"}
    yes = how % 3 != 2
    forms: dict[str, dict[str, Any]] = {
        "facts": {"worth_saying": yes},
        "vet": {"fit": yes},
        "over": {"over": "yes" if yes else "no"},
        "tone": {"choice": "plain" if yes else "warm"},
    }
    return forms.get(item.step, {}) if item.kind in {"task", "decision"} else {}


_ANSWERS = {"draft": _write, "approval": _vote, "repair": _repair}
