"""What the sentences of a history are made of: who, which item, which effect, which step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from smr_engine.services.text import counted, listed
from smr_engine.services.views import EventRow

Name = Callable[[str], str]
"""Returns how people call somebody, by id."""


MOST_NAMES = 6


@dataclass(slots=True)
class Memory:
    """What earlier events said about items, effects and steps, by case and id."""

    name: Name
    items: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    effects: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    kinds: dict[tuple[str | None, str], str] = field(default_factory=dict)
    together: dict[str, list[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)  # items released before their approval

    def learn(self, event: EventRow) -> None:
        """Remember what later events refer to."""
        if event.kind == "ItemOpened":
            self.items[event.data["item"]] = event.data
        elif event.kind == "EffectOwed":
            self.effects[event.data["effect"]] = event.data
        elif event.kind == "GlassBroken":
            self.broken.add(event.data["item"])
        elif event.kind == "StepStarted":
            self.kinds[event.case, event.path] = event.data["kind_of"]

    def gather(self, events: Sequence[EventRow]) -> Iterator[EventRow]:
        """Yield events, the items that one step opened one after another as one of them."""
        for _, alike in groupby(events, _opening):
            first, *more = alike
            if more and first.kind == "ItemOpened":
                everybody = [
                    who for each in (first, *more) for who in each.data.get("offered") or ()
                ]
                self.together[first.data["item"]] = everybody
                for each in more:
                    self.learn(each)
                yield first
            else:
                yield from (first, *more)

    def asked(self, event: EventRow) -> list[str]:
        """Return whom an item, and those opened together with it, were offered to."""
        together = self.together.get(event.data["item"])
        return together or list(event.data.get("offered") or ())


def _opening(event: EventRow) -> object:
    """Return what is the same for items that belong together; other events stand alone."""
    if event.kind != "ItemOpened":
        return id(event)
    return event.case, event.path, event.at, event.data.get("kind_of"), event.data.get("previous")


def actor(event: EventRow, memory: Memory) -> str:
    """Return who did something, and for whom."""
    kind, colon, rest = event.actor.partition(":")
    if event.actor == "engine":
        return "The engine"
    if colon:
        return {"schedule": f"Schedule {rest}", "prefect": f"Prefect ({rest})"}.get(
            kind, f"{kind.capitalize()} {rest}"
        )
    acted_for = f" (for {memory.name(event.on_behalf_of)})" if event.on_behalf_of else ""
    return memory.name(event.actor) + acted_for


def people(ids: Iterable[str], memory: Memory) -> str:
    """Return people by name as a sentence lists them; many are counted."""
    found = [memory.name(each) for each in ids]
    return listed(found) if len(found) <= MOST_NAMES else counted(len(found), "person", "people")


def item_title(event: EventRow, memory: Memory) -> str:
    """Return the title of the item that an event is about, in quotation marks."""
    known = memory.items.get(event.data["item"], {})
    return f"'{known.get('title') or event.data['item']}'"


def effect_name(event: EventRow, memory: Memory) -> str:
    """Return what the effect that an event is about does, such as publish x to y."""
    name = memory.effects.get(event.data["effect"], {}).get("name") or event.data["effect"]
    return str(name).replace(" -> ", " to ")


def step_name(event: EventRow) -> str:
    """Return a step by the last part of its path, in words."""
    return f"'{event.path.rsplit('/', 1)[-1].replace('_', ' ')}'"


def silent(_: EventRow, __: Memory) -> str:
    """Return nothing: the event is machinery, and `smr audit log` shows it."""
    return ""


Sentence = Callable[[EventRow, Memory], str]
"""Says what happened; an empty sentence is left out of a history."""
